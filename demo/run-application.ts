import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { startScriptedModel } from './scripted-model/scripted-model.ts';
import { recordSent, type SentSpans } from './sent-spans.ts';
import { planConversations } from './support-agent/conversations.ts';
import { serveCustomers } from './support-agent/serve-customers.ts';
import { startTelemetry } from './support-agent/telemetry.ts';

export interface ApplicationRun {
  readonly sent: SentSpans;
  /** Spans that the application ended. */
  readonly ended: number;
  readonly sessions: number;
}

/** As many as a small support desk has: enough to overlap in every batch. */
const conversationsAtOnce = 10;

/** Runs the support agent through all its conversations, sending its spans by OTLP to `url` with the key. */
export async function runApplication({
  url,
  key,
  seed,
  sessions,
  signal,
  onTurn,
}: {
  url: string;
  key: string;
  seed: string;
  sessions: number;
  signal: AbortSignal;
  onTurn(done: number, planned: number): void;
}): Promise<ApplicationRun> {
  const otlp = new OTLPTraceExporter({ url: `${url}/v1/traces`, headers: { authorization: `Bearer ${key}` } });
  const { exporter, sent } = recordSent(otlp);
  const telemetry = startTelemetry(exporter, { seed });
  const model = await startScriptedModel(seed);
  const conversations = planConversations(seed, sessions);
  const planned = conversations.reduce((sum, { turns }) => sum + turns.length, 0);
  let done = 0;
  try {
    await serveCustomers(conversations, {
      telemetry,
      modelUrl: model.url,
      model: 'scripted-1',
      seed,
      atOnce: conversationsAtOnce,
      signal,
      onTurn: () => onTurn(++done, planned),
    });
  } finally {
    await telemetry.shutdown();
    await model.close();
  }
  return { sent, ended: telemetry.ended, sessions };
}
