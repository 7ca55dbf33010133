import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { startScriptedModel } from '../../../demo/scripted-model/scripted-model.ts';
import { recordSent } from '../../../demo/sent-spans.ts';
import { planConversations } from '../../../demo/support-agent/conversations.ts';
import { serveCustomers } from '../../../demo/support-agent/serve-customers.ts';
import { startTelemetry } from '../../../demo/support-agent/telemetry.ts';

/** An exporter that keeps everything, or refuses it. */
export function memoryExporter(error?: Error): SpanExporter & { readonly spans: readonly ReadableSpan[] } {
  const spans: ReadableSpan[] = [];
  return {
    spans,
    export(batch, done) {
      if (error === undefined) spans.push(...batch);
      done(error === undefined ? { code: 0 } : { code: 1, error });
    },
    shutdown: async () => {},
  };
}

/** A short run of the support agent against the scripted model, its spans kept in memory. */
export async function anApplicationRun({ seed = '1', sessions = 12 } = {}) {
  const { exporter, sent } = recordSent(memoryExporter());
  const telemetry = startTelemetry(exporter, { seed });
  const model = await startScriptedModel(seed);
  await serveCustomers(planConversations(seed, sessions), {
    telemetry,
    seed,
    modelUrl: model.url,
    model: 'scripted-1',
    atOnce: sessions,
    signal: new AbortController().signal,
    onTurn: () => {},
  });
  await telemetry.shutdown();
  await model.close();
  return { sent, ended: telemetry.ended };
}
