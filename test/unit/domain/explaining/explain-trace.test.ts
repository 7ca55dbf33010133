import { describe, expect, it } from 'vitest';
import type { EvaluationOutcome } from '../../../../shared/domain/evaluation.ts';
import { defaultSettings } from '../../../../shared/domain/experiment.ts';
import { explainTrace } from '../../../../shared/domain/explaining/explain-trace.ts';
import { say } from '../../../../shared/domain/explaining/say.ts';
import { decideAtArrival, decideSettled } from '../../../../shared/domain/indexing/conclude.ts';
import type { TraceRecord } from '../../../../shared/domain/ports.ts';
import type { Rules, ScorerRule } from '../../../../shared/domain/rules.ts';
import type { ScorableSpan } from '../../../../shared/domain/scorable-trace.ts';
import type { TraceFacts, TraceInfo } from '../../../../shared/domain/trace.ts';
import { aScorableSpan } from '../../../support/builders/a-scorable-trace.ts';
import { aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../../support/builders/an-assessment.ts';

/** Its coordinate is 0.347…. */
const traceId = 'tr-0af7651916cd43dd8448eb211c80319c';
const at = new Date(noon).toISOString();

function rulesOf(...scorers: readonly Partial<ScorerRule>[]): Rules {
  const rules = scorers.map(
    (rule): ScorerRule => ({ name: 'tone', version: 2, level: 'trace', sampleRate: 0.5, ...rule }),
  );
  return { experimentId: '0', version: 4, scorers: rules, settings: defaultSettings };
}

interface Given {
  readonly rule?: Partial<ScorerRule>;
  /** As they were when it was decided. */
  readonly facts?: Partial<TraceFacts>;
  /** As they are now. */
  readonly factsNow?: Partial<TraceFacts>;
  readonly info?: Partial<TraceInfo>;
  readonly outcome?: Partial<EvaluationOutcome>;
  readonly assessments?: TraceRecord['assessments'];
  readonly spans?: readonly ScorableSpan[];
}

/** What is said of the one scorer about a trace that was decided as the hot path decides it. */
function explain({ rule = {}, facts = {}, factsNow = facts, info = {}, outcome, assessments = [], spans = [] }: Given) {
  const rules = rulesOf(rule);
  const decided = aTraceInfo({ traceId, completeness: 'complete', facts });
  const subject = { traceId, experimentId: '0', facts: decided.facts, spans: () => spans, assessments: () => [] };
  const decision = decideSettled(subject, { rules, now: noon });
  const record: TraceRecord = {
    info: { ...aTraceInfo({ traceId, completeness: 'complete', facts: factsNow }), decision, ...info },
    unmerged: [],
    hasMerged: false,
    unsettled: false,
    foreignBlocks: [],
    outcomes: outcome
      ? [{ traceId, scorerName: 'tone', scorerVersion: 2, state: 'done', revision: 1, finishedAt: noon, ...outcome }]
      : [],
    assessments,
  };
  const explanation = explainTrace({ record, rules, scorers: new Map([['tone', undefined]]), spans });
  const [scorer] = explanation.scorers;
  if (!scorer) throw new Error('nothing was explained');
  return { ...scorer, said: say(scorer, explanation) };
}

describe('a trace that was decided', () => {
  it.each([
    ['stopped', { rule: { sampleRate: 0 } }, 'it was stopped: its rate was 0'],
    ['paused', { rule: { paused: { reason: 'the model is gone', since: 1 } } }, 'it was paused: the model is gone'],
    ['session-level', { rule: { level: 'session' } }, 'it judges sessions, and the trace is of none'],
    [
      'evaluation-run',
      { facts: { metadata: { 'mlflow.sourceRun': 'r1' } } },
      'the trace belongs to run r1, and traces of runs are left to them',
    ],
    [
      'not-matched',
      { rule: { filter: "status = 'OK' AND tags.env = 'prod'" } },
      "its filter does not match: tags.env = 'prod'",
    ],
    [
      'not-sampled',
      { rule: { sampleRate: 0.1 } },
      'the trace is not in its sample: u = 0.347123 is not below its rate, 0.1',
    ],
    ['queued', {}, 'selected (u = 0.347123 is below its rate, 0.5); the evaluation waits in the queue'],
    [
      'held',
      { outcome: { state: 'held', reason: 'LLM judges are not executed' } },
      'selected and not judged yet: LLM judges are not executed; a backfill can judge it later',
    ],
    [
      'held',
      { outcome: { state: 'held', reason: 'throttled', until: Date.parse(at) } },
      `selected and not judged yet: throttled; it is tried again at ${at} or soon after`,
    ],
    ['failed', { outcome: { state: 'failed', reason: 'SCORER_ERROR: no' } }, `it failed at ${at}: SCORER_ERROR: no`],
    ['done', { outcome: {} }, `judged at ${at}; what it found was deleted since`],
  ] as readonly [string, Given, string][])('is explained: %s', (kind, given, said) => {
    expect(explain(given)).toMatchObject({ kind, said });
  });

  it('is explained with what the scorer found, of this version and no other', () => {
    const scorer = { name: 'tone', version: 2, sampleRate: 0.5 };
    const assessments = [
      anAssessment({ traceId, name: 'tone', value: 'kind', scorer }),
      anAssessment({ traceId, name: 'mood', value: 0.5, scorer }),
      anAssessment({ traceId, name: 'tone', value: 'rude', scorer: { ...scorer, version: 1 } }),
      anAssessment({ traceId, name: 'tone', value: 'by hand' }),
    ];
    expect(explain({ outcome: {}, assessments })).toMatchObject({
      kind: 'done',
      version: 2,
      sampleRate: 0.5,
      said: `judged at ${at}: tone = kind, mood = 0.5`,
    });
  });

  it('is explained by its spans where the filter asks about them', () => {
    const rule = { filter: "span.name = 'search'" };
    const spans = [aScorableSpan({ span: { name: 'search' } })];
    expect(explain({ rule, spans }).kind).toBe('queued');
    expect(explain({ rule })).toMatchObject({ kind: 'not-matched', clause: "span.name = 'search'" });
  });
});

describe('a trace that was decided when it arrived', () => {
  it('is explained as if its filters had been asked', () => {
    const rules = rulesOf({ sampleRate: 0.1 }, { name: 'other', sampleRate: 0.2, filter: "tags.env = 'prod'" });
    const info = aTraceInfo({ traceId, completeness: 'complete' });
    const decision = decideAtArrival(info, { rules, now: noon });
    if (!decision) throw new Error('expected a decision');
    const record = { info: { ...info, decision }, outcomes: [], assessments: [] } as unknown as TraceRecord;
    const scorers = new Map([
      ['tone', undefined],
      ['other', undefined],
    ]);
    const explanation = explainTrace({ record, rules, scorers, spans: [] });
    expect(explanation.scorers.map(({ name, kind }) => [name, kind])).toEqual([
      ['other', 'not-matched'],
      ['tone', 'not-sampled'],
    ]);
  });
});

describe('a trace that has changed since it was decided', () => {
  const rule = { filter: "tags.env = 'prod'" };
  const prod = { tags: { env: 'prod' } };

  it('is explained by the decision that was made, and what would be decided now is said', () => {
    expect(explain({ rule, facts: prod, factsNow: { tags: {} } })).toMatchObject({
      kind: 'queued',
      otherwiseNow: { kind: 'not-matched', clause: "tags.env = 'prod'" },
      said: expect.stringMatching(
        /^selected .* would not be selected \(its filter does not match: .*the decision stands$/,
      ),
    });
    expect(explain({ rule, factsNow: prod })).toMatchObject({
      kind: 'changed',
      said: expect.stringMatching(/^it was not selected .* as the trace is now it would be.*the decision stands$/),
    });
  });

  it('is not said to have changed where the decision is the same', () => {
    expect(explain({ rule, facts: prod, factsNow: { tags: { env: 'prod', late: 'yes' } } })).not.toHaveProperty(
      'otherwiseNow',
    );
  });
});

describe('a trace that is not decided', () => {
  const undecided = { decision: undefined } as unknown as Partial<TraceInfo>;

  it('says what it waits for and when it is closed', () => {
    const open = { ...undecided, completeness: 'open' as const, dueAt: noon + 900_000 };
    const facts = { spanCount: 1, complete: false };
    const closes = `it is closed as incomplete at ${new Date(noon + 900_000).toISOString()} if no more come`;
    expect(explain({ factsNow: facts, info: open })).toMatchObject({
      kind: 'open',
      closesAt: noon + 900_000,
      said: `the trace is not complete yet: 1 span is here, and no root span among them has ended; ${closes}`,
    });
    const explicit = { fields: [], tags: [], removedTags: [], metadata: [], spanCount: 9 };
    expect(explain({ factsNow: { spanCount: 7 }, info: { ...open, explicit } })).toMatchObject({
      said: `the trace is not complete yet: 7 spans are here of the 9 that its client counted; ${closes}`,
    });
  });

  it('says so of one that is complete', () => {
    expect(explain({ info: undecided })).toMatchObject({
      kind: 'undecided',
      said: expect.stringMatching(/within seconds/),
    });
  });

  it('says of a scorer what will be so however the trace ends', () => {
    const open = { ...undecided, completeness: 'open' as const };
    expect(explain({ rule: { sampleRate: 0 }, info: open })).toMatchObject({
      kind: 'stopped',
      said: 'it is stopped: its rate is 0',
    });
  });
});

describe('a scorer of which nothing was set when the trace was decided', () => {
  function without(registeredAt: number | undefined) {
    const decision = { rulesVersion: 4, decidedAt: noon, selected: [] };
    const record = { info: { ...aTraceInfo({ traceId }), decision }, outcomes: [], assessments: [] };
    const explanation = explainTrace({
      record: record as unknown as TraceRecord,
      rules: rulesOf(),
      scorers: new Map([['tone', registeredAt]]),
      spans: [],
    });
    const [scorer] = explanation.scorers;
    return scorer && { kind: scorer.kind, said: say(scorer, explanation) };
  }

  it('was registered after it, or registered and not started, or never registered', () => {
    expect(without(noon + 1)).toEqual({
      kind: 'not-registered',
      said: `it was registered at ${new Date(noon + 1).toISOString()}, after the trace was decided`,
    });
    expect(without(noon - 1)).toEqual({
      kind: 'not-started',
      said: 'it was registered and not started when the trace was decided',
    });
    expect(without(undefined)?.kind).toBe('not-registered');
  });
});
