import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { runPython } from './clients.ts';

interface Exported {
  readonly sent: boolean;
  readonly spans: readonly ExportedSpan[];
}

interface ExportedSpan {
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: string;
}

/** A span as the API answers it. */
interface ArrivedSpan {
  readonly span_id: string;
  readonly parent_span_id?: string;
  readonly name: string;
  readonly attributes: readonly { key: string; value: Readonly<Record<string, unknown>> }[];
  readonly status?: { code?: string; message?: string };
  readonly events?: readonly { name: string }[];
}

type Environment = Readonly<Record<string, string>>;

let stack: TestStack;
let ingestKey: string;
beforeAll(async () => {
  stack = await startTestStack();
  ingestKey = await stack.makeKey('ingest');
});
afterAll(() => stack?.stop());

const exporters: readonly [string, (environment: Environment) => Promise<Exported>][] = [
  ['Python', inPython],
  ['Python, with gzip,', (environment) => inPython({ ...environment, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })],
  ['JavaScript', inJavaScript],
  ['JavaScript, with gzip,', (environment) => inJavaScript({ ...environment, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })],
];

describe("OpenTelemetry's SDK", () => {
  it.concurrent.each(exporters)(
    'for %s exports with endpoint and header alone, and everything arrives',
    async (_, run) => {
      const { sent, spans } = await run({
        OTEL_EXPORTER_OTLP_ENDPOINT: stack.stack.url,
        // As the specification of the variable has it, its values are percent-encoded.
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${ingestKey}`,
      });
      expect([sent, spans.length]).toEqual([true, 603]);
      const traceId = `tr-${spans[0]?.trace_id}`;
      const arrived = await eventually(() => wholeTrace(traceId, spans.length));
      const byId = new Map(arrived.spans.map((span) => [hex(span.span_id), span]));
      for (const span of spans) expect(comparable(byId.get(span.span_id))).toEqual({ ...span, trace_id: undefined });
      expect(byId.get(spans[1]?.span_id ?? '')?.events).toMatchObject([{ name: 'first token' }]);
      await eventually(async () => {
        const { state, trace_metadata: metadata } = (await wholeTrace(traceId, spans.length)).trace_info;
        expect(state).toBe('OK');
        expect(metadata).toMatchObject({
          'mlflow.trace.session': 'otel session',
          'mlflow.trace.user': 'otel user',
          'mlflow.trace.sizeStats': expect.stringContaining(`"num_spans":${spans.length}`),
        });
        expect(JSON.parse(metadata['mlflow.trace.tokenUsage'] ?? '{}')).toMatchObject({
          input_tokens: 100,
          output_tokens: 50,
          total_tokens: 150,
        });
      });
    },
  );
});

/** Batches of one trace arrive one by one, and it settles some seconds after the last of them. */
function eventually<T>(look: () => Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: 25_000, interval: 200 });
}

async function inPython(environment: Environment): Promise<Exported> {
  const ended = await runPython('opentelemetry', { args: ['-m', 'otel_export'], environment });
  expect([ended.exitCode, ended.stderr]).toEqual([0, '']);
  return JSON.parse(ended.stdout) as Exported;
}

async function inJavaScript(environment: Environment): Promise<Exported> {
  const program = join(import.meta.dirname, 'otel-export.ts');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env: environment });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Exported;
}

async function wholeTrace(traceId: string, spanCount: number) {
  const reply = await stack.api('GET', `/api/3.0/mlflow/traces/get?trace_id=${traceId}`);
  expect(reply.status, reply.body.toString('utf8')).toBe(200);
  const { trace } = reply.json() as unknown as {
    trace: {
      trace_info: { state: string; trace_metadata: Readonly<Record<string, string>> };
      spans: readonly ArrivedSpan[];
    };
  };
  expect(trace.spans).toHaveLength(spanCount);
  return trace;
}

function comparable(span: ArrivedSpan | undefined): object {
  if (!span) return {};
  const attributes = span.attributes.filter(({ key }) => !key.startsWith('mlflow.'));
  return {
    span_id: hex(span.span_id),
    parent_span_id: span.parent_span_id ? hex(span.parent_span_id) : null,
    name: span.name,
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)])),
    status: span.status?.code?.replace('STATUS_CODE_', '') ?? 'UNSET',
  };
}

/** An AnyValue of OTLP as a value. */
function plain(value: Readonly<Record<string, unknown>>): unknown {
  if ('int_value' in value) return Number(value.int_value);
  if ('array_value' in value)
    return (value.array_value as { values: Readonly<Record<string, unknown>>[] }).values.map(plain);
  return Object.values(value)[0];
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
