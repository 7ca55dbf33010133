import { readFileSync } from 'node:fs';
import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { discretion, helpfulness, type JudgeRole } from './scripted-judge/opinions.ts';
import { judgeModels } from './scripted-judge/scripted-judge.ts';

/** A scorer that the demo registers, and in its own terms which traces it is about and what it finds. */
export interface DemoScorer {
  readonly name: string;
  /** Of the traces that come in. */
  readonly rate: number;
  /** Up to which a backfill judges what is there already; absent: it is not backfilled. */
  readonly backfillRate?: number;
  /** What kind of scorer it is, in the words of `scorers/register`. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** In MLflow's grammar; absent: all traces. */
  readonly filter?: string;
  /** What the filter says, decided on the spans that were sent: independent of Assay's reading of the filter. */
  readonly concerns: (spans: readonly ReadableSpan[]) => boolean;
  /** What it must find, decided on the answer that was sent: independent of what Assay shows to a judge. Absent: not foretold. */
  readonly verdict?: (answer: string) => string | number | boolean;
  /** The task by which the script knows it, of a judge that asks a model. */
  readonly task?: string;
}

const everyTrace = () => true;
const answeredTraces = {
  filter: "trace.status = 'OK'",
  concerns: (spans: readonly ReadableSpan[]) => rootOf(spans)?.status.code !== SpanStatusCode.ERROR,
};

export const demoScorers: readonly DemoScorer[] = [
  {
    name: 'discretion',
    rate: 0.5,
    definition: {
      builtin_scorer_class: 'Guidelines',
      builtin_scorer_pydantic_data: { name: 'discretion', guidelines: [discretion.task] },
    },
    concerns: everyTrace,
    ...judgedAs(discretion),
  },
  {
    name: 'helpfulness',
    rate: 0.25,
    backfillRate: 0.5,
    definition: {
      instructions_judge_pydantic_data: {
        instructions: `A customer wrote {{ inputs }} to a shop, and got the answer {{ outputs }}. ${helpfulness.task}`,
        feedback_value_type: { type: 'integer' },
        model: judgeModels.openai,
      },
    },
    ...answeredTraces,
    ...judgedAs(helpfulness),
  },
  {
    name: 'price_format',
    rate: 1,
    definition: {
      assay_code: {
        language: 'javascript',
        source: readFileSync(new URL('./price-format.js', import.meta.url), 'utf8'),
      },
    },
    ...answeredTraces,
    verdict: (answer) => !/US\$ \d+\.\d\b/.test(answer),
  },
  { name: 'error_free', rate: 1, definition: heuristic({ type: 'error_free' }), concerns: everyTrace },
  {
    name: 'tool_calls_ok',
    rate: 1,
    definition: heuristic({ type: 'tool_call_success' }),
    filter: "span.type = 'TOOL'",
    concerns: (spans) => spans.some(({ attributes }) => attributes['gen_ai.operation.name'] === 'execute_tool'),
  },
  { name: 'no_pii', rate: 0.5, definition: heuristic({ type: 'pii' }), concerns: everyTrace },
  { name: 'no_refusal', rate: 0.5, definition: heuristic({ type: 'refusal' }), concerns: everyTrace },
  {
    name: 'answer_words',
    rate: 0.25,
    definition: heuristic({ type: 'response_length', unit: 'words' }),
    ...answeredTraces,
  },
  { name: 'fast_enough', rate: 0.1, definition: heuristic({ type: 'latency', max_ms: 1000 }), concerns: everyTrace },
];

function heuristic(definition: Readonly<Record<string, unknown>>) {
  return { assay_heuristic: definition };
}

function judgedAs({ task, opinionOf }: JudgeRole): Pick<DemoScorer, 'task' | 'verdict'> {
  return { task, verdict: (answer) => opinionOf(answer).result };
}

/** The span without a parent. */
export function rootOf(spans: readonly ReadableSpan[]): ReadableSpan | undefined {
  return spans.find(({ parentSpanContext }) => parentSpanContext === undefined);
}

/** What the customer was answered, as it was sent; undefined for a turn that failed. */
export function answerOf(spans: readonly ReadableSpan[]): string | undefined {
  const messages = rootOf(spans)?.attributes['gen_ai.output.messages'];
  return messages === undefined ? undefined : String(messages);
}
