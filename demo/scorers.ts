import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** A scorer that the demo registers, and in its own terms which traces it is about. */
export interface DemoScorer {
  readonly name: string;
  readonly rate: number;
  /** Assay's heuristic, as `scorers/register` takes it in `assay_heuristic`. */
  readonly heuristic: Readonly<Record<string, unknown>>;
  /** In MLflow's grammar; absent: all traces. */
  readonly filter?: string;
  /** What the filter says, decided on the spans that were sent: independent of Assay's reading of the filter. */
  readonly concerns: (spans: readonly ReadableSpan[]) => boolean;
}

const everyTrace = () => true;

export const demoScorers: readonly DemoScorer[] = [
  { name: 'error_free', rate: 1, heuristic: { type: 'error_free' }, concerns: everyTrace },
  {
    name: 'tool_calls_ok',
    rate: 1,
    heuristic: { type: 'tool_call_success' },
    filter: "span.type = 'TOOL'",
    concerns: (spans) => spans.some(({ attributes }) => attributes['gen_ai.operation.name'] === 'execute_tool'),
  },
  { name: 'no_pii', rate: 0.5, heuristic: { type: 'pii' }, concerns: everyTrace },
  { name: 'no_refusal', rate: 0.5, heuristic: { type: 'refusal' }, concerns: everyTrace },
  {
    name: 'answer_words',
    rate: 0.25,
    heuristic: { type: 'response_length', unit: 'words' },
    filter: "trace.status = 'OK'",
    concerns: (spans) => rootOf(spans)?.status.code !== SpanStatusCode.ERROR,
  },
  { name: 'fast_enough', rate: 0.1, heuristic: { type: 'latency', max_ms: 1000 }, concerns: everyTrace },
];

/** The span without a parent. */
export function rootOf(spans: readonly ReadableSpan[]): ReadableSpan | undefined {
  return spans.find(({ parentSpanContext }) => parentSpanContext === undefined);
}
