import { beforeAll, describe, expect, test } from 'vitest';
import type { Assessment, Trace } from '../../../demo/assay-api.ts';
import { noScore } from '../../../demo/expected-judgements.ts';
import { type Evidence, reconcile } from '../../../demo/reconcile/reconcile.ts';
import { demoScorers } from '../../../demo/scorers.ts';
import { anApplicationRun } from './an-application-run.ts';
import { asItShouldBe, judgement } from './stored-evidence.ts';

let evidence: Evidence;

beforeAll(async () => {
  evidence = asItShouldBe(await anApplicationRun());
});

const failing = (changed: Evidence) =>
  reconcile(changed)
    .filter(({ problems }) => problems.length > 0)
    .map(({ what }) => what);

/** The evidence with the first trace that fits changed. */
function withTrace(change: (trace: Trace) => Trace, fits: (trace: Trace) => boolean = () => true): Evidence {
  const at = evidence.traces.findIndex(fits);
  return { ...evidence, traces: evidence.traces.map((trace, i) => (i === at ? change(trace) : trace)) };
}

const judgedBy = (name: string) => (trace: Trace) =>
  (trace.trace_info.assessments ?? []).some(({ assessment_name }) => assessment_name === name);

function withAssessments(trace: Trace, change: (all: readonly Assessment[]) => readonly Assessment[]): Trace {
  return { ...trace, trace_info: { ...trace.trace_info, assessments: change(trace.trace_info.assessments ?? []) } };
}

describe('the reconciliation', () => {
  test('finds nothing where everything is as it should be', () => {
    expect(failing(evidence)).toEqual([]);
    expect(reconcile(evidence)).toHaveLength(14 + demoScorers.length);
  });

  test('finds a span that was not stored, was stored twice, or came back under another parent', () => {
    const changes: ((trace: Trace) => Trace)[] = [
      (trace) => ({ ...trace, spans: trace.spans.slice(1) }),
      (trace) => ({ ...trace, spans: [...trace.spans, ...trace.spans.slice(0, 1)] }),
      (trace) => ({ ...trace, spans: trace.spans.map((span) => ({ ...span, parent_span_id: 'AAAAAAAAAAE=' })) }),
    ];
    for (const change of changes) expect(failing(withTrace(change))).toEqual(['spans stored']);
  });

  test('finds a span that the application ended and never sent', () => {
    expect(failing({ ...evidence, ended: evidence.ended + 1 })).toEqual(['spans ended, and acknowledged by Assay']);
  });

  test('finds a trace that search does not find', () => {
    expect(failing({ ...evidence, found: evidence.found.slice(1) })).toEqual(['traces found by search']);
  });

  test('finds a judgement too few, and that the archive still has it', () => {
    const changed = withTrace(
      (trace) => withAssessments(trace, (all) => all.filter((a) => a.assessment_name !== 'no_pii')),
      judgedBy('no_pii'),
    );
    expect(failing(changed)).toEqual(['traces judged by no_pii', 'assessments in assessments_current']);
  });

  test('finds a judgement too many', () => {
    const [expectation] = evidence.expectations.filter(({ scorer }) => scorer.name === 'fast_enough');
    if (expectation === undefined) throw new Error('the demo has no scorer fast_enough');
    const add = (trace: Trace) =>
      withAssessments(trace, (all) => [...all, judgement(trace.trace_info.trace_id, expectation)]);
    const changed = withTrace(add, (trace) => !judgedBy('fast_enough')(trace));
    expect(failing(changed)).toContain('traces judged by fast_enough');
  });

  test('finds judgements of the right number on the wrong traces', () => {
    const rename = (from: string, to: string) => (trace: Trace) =>
      trace.trace_info.trace_id === from ? { ...trace, trace_info: { ...trace.trace_info, trace_id: to } } : trace;
    const judged = evidence.traces.find(judgedBy('fast_enough'))?.trace_info.trace_id ?? '';
    const changed = { ...evidence, traces: evidence.traces.map(rename(judged, 'tr-another')) };
    expect(failing(changed)).toContain('traces judged by fast_enough');
  });

  test.each(['traceIds', 'spanIds', 'assessmentIds'] as const)('finds a row of the archive shown twice: %s', (ids) => {
    const archive = { ...evidence.archive, [ids]: [...evidence.archive[ids], ...evidence.archive[ids].slice(0, 1)] };
    expect(failing({ ...evidence, archive })).toHaveLength(1);
  });

  test('finds a verdict that is another than foretold, and a failure that became a score', () => {
    const [yes, none] = ['yes', noScore].map((verdict) => {
      const found = evidence.expectations[0]?.verdicts ?? new Map<string, string>();
      return [...found].find(([, value]) => value === verdict)?.[0] ?? `no trace is foretold ${verdict}`;
    });
    for (const traceId of [yes, none]) {
      const judgedNo = (a: Assessment) =>
        a.assessment_name === 'discretion' ? { ...a, feedback: { value: 'no' } } : a;
      const changed = withTrace(
        (trace) => withAssessments(trace, (all) => all.map(judgedNo)),
        (trace) => trace.trace_info.trace_id === traceId,
      );
      expect(failing(changed)).toEqual(['verdicts of discretion, each as foretold']);
    }
  });

  test('says that a backfill judged what live scoring had judged, or left out what it had not', () => {
    const { backfill } = evidence;
    const [judged, already_done] = [backfill.judged + 1, backfill.already_done - 1];
    expect(failing({ ...evidence, backfill: { ...backfill, judged, already_done } })).toEqual([
      'judged before the backfill, and left alone',
      'judged by the backfill',
    ]);
  });

  test('finds an answer that was paid twice', () => {
    const { calls } = evidence.judging;
    const judging = { ...evidence.judging, calls: [...calls, ...calls.slice(0, 1)] };
    expect(failing({ ...evidence, judging })).toEqual([
      'answers of the model, on assessments',
      'tokens of the model, on assessments',
    ]);
  });

  test('finds a budget that is booked otherwise than the assessments tell', () => {
    const booked = { ...evidence.judging.booked };
    const booking = (change: Partial<typeof booked>) => ({
      ...evidence,
      judging: { ...evidence.judging, booked: { ...booked, ...change } },
    });
    expect(failing(booking({ tokens_this_month: booked.tokens_this_month + 1 }))).toEqual([
      'tokens on assessments, on the budget',
    ]);
    expect(failing(booking({ usd_this_month: booked.usd_this_month + 1e-9 }))).toEqual([
      'nano-US$ on assessments, on the budget',
    ]);
  });

  test('finds a request that a provider would have refused', () => {
    const judging = { ...evidence.judging, refused: ['openai: messages: too small'] };
    expect(failing({ ...evidence, judging })).toEqual(['requests that a provider would refuse']);
  });

  test('finds dead letters', () => {
    expect(failing({ ...evidence, deadLetters: { arrivals: 1 } })).toEqual(['messages in dead-letter queues']);
  });
});
