import type { SpansMessage } from '../../../shared/contracts/arrival-message.ts';
import { otlpJsonToProtobuf } from '../../../shared/contracts/otlp/from-json.ts';

/** A span in OTLP/JSON, as little of it as a test cares about. */
export interface JsonSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  /** Seconds after 2026-11-21T12:00:00Z. */
  readonly start?: number;
  /** Seconds as above; absent: the span has not ended. */
  readonly end?: number;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly status?: { readonly code: number; readonly message?: string };
}

const epochSeconds = BigInt(Date.UTC(2026, 10, 21, 12) / 1000);

/** One request body as OTLP/JSON. */
export function exportRequest(spans: readonly JsonSpan[]): object {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'support-agent' } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans: spans.map(toOtlp) }] }] };
}

function toOtlp({ start = 0, end, attributes = {}, name = 'span', ...span }: JsonSpan): object {
  return {
    ...span,
    name,
    kind: 1,
    startTimeUnixNano: nanos(start),
    endTimeUnixNano: end === undefined ? '0' : nanos(end),
    attributes: Object.entries(attributes).map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
    })),
  };
}

function nanos(seconds: number): string {
  return String(epochSeconds * 1_000_000_000n + BigInt(Math.round(seconds * 1e9)));
}

/** The message that receive-traces would send for these spans. */
export function spansMessage(
  spans: readonly JsonSpan[],
  options: { experimentId?: string; receivedAt: number },
): SpansMessage {
  const { body } = otlpJsonToProtobuf(JSON.stringify(exportRequest(spans)));
  const { experimentId = '0', receivedAt } = options;
  return {
    v: 1,
    kind: 'spans',
    experimentId,
    receivedAt,
    format: 'protobuf',
    encoding: 'identity',
    body: Buffer.from(body).toString('base64'),
  };
}

/** A distinct trace id: 32 hex digits. */
export function traceIdOf(n: number): string {
  return (n + 1).toString(16).padStart(8, '0').repeat(4);
}

/** A distinct span id: 16 hex digits. */
export function spanIdOf(n: number): string {
  return (n + 1).toString(16).padStart(16, '0');
}
