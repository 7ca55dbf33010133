import { expect, it } from 'vitest';
import { explanationAnswer } from '../../../../shared/contracts/explanation-answer.ts';
import { defaultSettings } from '../../../../shared/domain/experiment.ts';
import { explainTrace } from '../../../../shared/domain/explaining/explain-trace.ts';
import type { ScorerRule } from '../../../../shared/domain/rules.ts';
import type { SessionOutcome, SessionRecord, SessionScorerDecision } from '../../../../shared/domain/session.ts';
import type { TraceFacts } from '../../../../shared/domain/trace.ts';
import { aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';

/** Its coordinate is 0.347…. */
const sessionId = 'tr-0af7651916cd43dd8448eb211c80319c';
const at = new Date(noon).toISOString();

interface Given {
  readonly rule?: Partial<ScorerRule>;
  readonly facts?: Partial<TraceFacts>;
  readonly session?: Partial<SessionRecord>;
  readonly decided?: SessionScorerDecision;
  readonly outcome?: Partial<SessionOutcome>;
}

const selected: SessionScorerDecision = { kind: 'selected', name: 'mood', version: 2, sampleRate: 0.5 };

function explain({ rule = {}, facts = { sessionId }, session, decided, outcome }: Given) {
  const rules = {
    experimentId: '7',
    version: 4,
    scorers: [{ name: 'mood', version: 2, level: 'session' as const, sampleRate: 0.5, ...rule }],
    settings: defaultSettings,
  };
  const record = {
    info: aTraceInfo({ facts }),
    unmerged: [],
    hasMerged: false,
    unsettled: false,
    foreignBlocks: [],
    outcomes: [],
    assessments: [],
  };
  const about = { conversation: 'c', lastActivityAt: noon };
  const result = { traceId: 'tr-first', traces: 2, tracesLeftOut: 0, assessmentIds: ['a-1'], finishedAt: noon };
  const outcomes: SessionOutcome[] = outcome
    ? [{ scorerName: 'mood', scorerVersion: 2, state: 'done', ...about, ...result, ...outcome }]
    : [];
  const decision = { conversation: 'c', firstTraceId: 'tr-first', rulesVersion: 4, decidedAt: noon };
  const known: SessionRecord | undefined = session && {
    experimentId: '7',
    sessionId,
    lastActivityAt: noon,
    outcomes,
    ...(decided && { decision: { ...decision, scorers: [decided] } }),
    ...session,
  };
  const explanation = explainTrace({
    record,
    rules,
    scorers: new Map([['mood', undefined]]),
    spans: [],
    ...(known && { session: known }),
  });
  const [answer] = (explanationAnswer(explanation) as { scorers: Record<string, unknown>[] }).scorers;
  return answer;
}

it.each([
  ['none', { facts: {} }, undefined, 'it judges sessions, and the trace is of none'],
  ['sampled out', { rule: { sampleRate: 0.1 } }, 'not_sampled', /u = 0\.347123 is not below its rate, 0\.1/],
  ['of a stopped scorer', { rule: { sampleRate: 0 } }, 'stopped', /it was stopped/],
  ['of a paused scorer', { rule: { paused: { reason: 'gone', since: 0 } } }, 'paused', /it was paused: gone/],
  ['not noted yet', {}, 'waiting', /is judged when it has been quiet for a while/],
  ['not quiet yet', { session: { dueAt: noon } }, 'waiting', `judged at ${at} or within a minute`],
  ['that resumed', { session: { dueAt: noon }, decided: selected, outcome: { lastActivityAt: 1 } }, 'waiting', at],
  ['decided before the start', { session: {}, decided: { ...selected, name: 'other' } }, 'not_started', /not started/],
  [
    'not matched',
    { session: {}, decided: { kind: 'not-matched', name: 'mood', clause: "tags.a = 'b'" } },
    'not_matched',
    /its filter does not match the first trace of session .*: tags\.a = 'b'/,
  ],
  ['being judged', { session: {}, decided: selected }, 'waiting', /is judged when/],
  [
    'held',
    { session: { dueAt: noon + 1 }, decided: selected, outcome: { state: 'held', reason: 'throttled' } },
    'held',
    /is not judged yet: throttled/,
  ],
  [
    'failed',
    { session: {}, decided: selected, outcome: { state: 'failed', reason: 'JUDGE_TIMEOUT: late' } },
    'failed',
    `at ${at}: JUDGE_TIMEOUT: late`,
  ],
  ['judged', { session: {}, decided: selected, outcome: {} }, 'done', /stands at its first trace, tr-first/],
] as readonly [string, Given, string | undefined, string | RegExp][])(
  'explains a session %s',
  (_what, given, state, said) => {
    const answer = explain(given);
    expect(answer).toMatchObject({
      state: 'session_level',
      explanation: typeof said === 'string' ? expect.stringContaining(said) : expect.stringMatching(said),
    });
    expect((answer?.session as { state?: string } | undefined)?.state).toBe(state);
  },
);

it('tells programs where to find what was found', () => {
  expect(explain({ session: {}, decided: selected, outcome: {} })?.session).toEqual({
    session_id: sessionId,
    state: 'done',
    finished_at: at,
    first_trace_id: 'tr-first',
    assessment_ids: ['a-1'],
  });
});

it('leaves traces of evaluation runs to them', () => {
  const metadata = { 'mlflow.sourceRun': 'r1', 'mlflow.trace.session': sessionId };
  expect(explain({ facts: { metadata } })).toMatchObject({ state: 'evaluation_run', run_id: 'r1' });
});
