import type { Assessment, Trace } from '../../../demo/assay-api.ts';
import { type Expectation, expectJudgements, noScore } from '../../../demo/expected-judgements.ts';
import type { Evidence } from '../../../demo/reconcile/reconcile.ts';
import { demoScorers } from '../../../demo/scorers.ts';
import type { SentSpans } from '../../../demo/sent-spans.ts';

const usage = { inputTokens: 100, outputTokens: 20 };
const usdPerCall = 0.0002;

/** What Assay gives back when it has done everything right. */
export function asItShouldBe({ sent, ended }: { sent: SentSpans; ended: number }): Evidence {
  const live = expectJudgements(sent, { scorers: demoScorers });
  const expectations = expectJudgements(sent, { scorers: demoScorers, backfilled: true });
  const selected = (some: readonly Expectation[]) =>
    some.filter(({ scorer }) => scorer.backfillRate).reduce((sum, one) => sum + one.selected.size, 0);
  const traces = [...sent.byTrace.keys()].map((traceId) => stored(traceId, sent, expectations));
  const calls = expectations.flatMap(({ scorer: { task }, verdicts }) =>
    task === undefined
      ? []
      : [...verdicts.values()].filter((verdict) => verdict !== noScore).map(() => ({ task, status: 200, ...usage })),
  );
  return {
    ended,
    sent,
    live,
    expectations,
    backfill: {
      already_done: selected(live),
      judged: selected(expectations) - selected(live),
      failed: 0,
    },
    traces,
    judging: {
      calls,
      refused: [],
      booked: { usd_this_month: calls.length * usdPerCall, tokens_this_month: calls.length * 120 },
    },
    found: traces.map(({ trace_info }) => trace_info),
    archive: {
      traceIds: [...sent.byTrace.keys()],
      spanIds: [...sent.byTrace].flatMap(([id, spans]) =>
        spans.map(({ span }) => `${id}/${span.spanContext().spanId}`),
      ),
      assessmentIds: traces.flatMap(({ trace_info }) => (trace_info.assessments ?? []).map((a) => a.assessment_id)),
    },
    deadLetters: { arrivals: 0, evaluations: 0 },
  };
}

function stored(traceId: string, sent: SentSpans, expectations: readonly Expectation[]): Trace {
  const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
  const spans = (sent.byTrace.get(traceId) ?? []).map(({ span }) => ({
    span_id: base64(span.spanContext().spanId),
    name: span.name,
    ...(span.parentSpanContext && { parent_span_id: base64(span.parentSpanContext.spanId) }),
  }));
  const assessments = expectations.filter(({ selected }) => selected.has(traceId)).map((by) => judgement(traceId, by));
  return { trace_info: { trace_id: traceId, state: 'OK', execution_duration: '0.25s', assessments }, spans };
}

/** What is foretold of the scorer; of others that they pass everything. */
export function judgement(traceId: string, { scorer: { name, task }, verdicts }: Expectation): Assessment {
  const verdict = verdicts.get(traceId) ?? (name === 'answer_words' ? '21.5' : 'yes');
  const hasScore = verdict !== noScore;
  return {
    assessment_id: `a-${traceId}-${name}`,
    assessment_name: name,
    trace_id: traceId,
    create_time: '2026-01-01T00:00:00.000Z',
    feedback: hasScore ? { value: typed(verdict) } : { value: null, error: { error_code: 'NO_OUTPUTS' } },
    rationale: 'There is nothing to object to.',
    metadata: { 'mlflow.assessment.scorerName': name, ...(task !== undefined && hasScore && paid) },
  };
}

const paid = {
  'assay.model': 'bedrock:/a-model',
  'assay.judgeCalls': '1',
  'mlflow.assessment.judgeInputTokens': String(usage.inputTokens),
  'mlflow.assessment.judgeOutputTokens': String(usage.outputTokens),
  'mlflow.assessment.judgeCost': String(usdPerCall),
};

function typed(verdict: string): unknown {
  if (verdict === 'true' || verdict === 'false') return verdict === 'true';
  return Number.isNaN(Number(verdict)) ? verdict : Number(verdict);
}
