import { afterAll, beforeEach, expect, it, vi } from 'vitest';

// To the console of this process; without the second, the first turns metrics off.
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
const { judgingMetrics } = await import('../../../shared/runtime/judging-metrics.ts');

const log = vi.spyOn(console, 'log').mockImplementation(() => {});
beforeEach(() => log.mockClear());
afterAll(() => {
  log.mockRestore();
  vi.unstubAllEnvs();
});
const anEvent = {
  experimentId: '7',
  scorer: 'tone',
  models: [],
  outcome: { kind: 'judged' as const },
  usd: 0,
  tokens: 0,
  reused: 0,
};
const lines = () => log.mock.calls.map(([line]) => JSON.parse(String(line)));

it('writes one line for each scorer of an invocation, with what became of its evaluations and what they cost', () => {
  const metrics = judgingMetrics();
  const tone = { ...anEvent, models: ['openai:/gpt-4.1-mini'] };
  metrics.note({ ...tone, outcome: { kind: 'judged' }, secondsToAssessment: 6.5, usd: 0.000232, tokens: 520 });
  metrics.note({ ...tone, outcome: { kind: 'judged' }, secondsToAssessment: 7, reused: 1 });
  metrics.note({ ...tone, outcome: { kind: 'failed', code: 'JUDGE_CONTEXT_TOO_LONG' } });
  metrics.note({ ...tone, outcome: { kind: 'held', by: 'budget' } });
  metrics.note({ ...anEvent, scorer: 'pii', secondsToAssessment: 5 });
  metrics.flush();
  metrics.flush();
  const [first, second, ...more] = lines();
  expect(more).toEqual([]);
  expect(first).toMatchObject({
    ...{ experiment_id: '7', scorer: 'tone', models: 'openai:/gpt-4.1-mini' },
    ...{ failed_JUDGE_CONTEXT_TOO_LONG: '1', held_budget: '1', AnswersReused: 1 },
    ...{ EvaluationsJudged: 2, EvaluationsFailed: 1, EvaluationsHeld: 1 },
    ...{ JudgeTokens: 520, JudgeUsd: 0.000232, SecondsToAssessment: [6.5, 7] },
  });
  expect(second).toMatchObject({ scorer: 'pii', EvaluationsJudged: 1, SecondsToAssessment: 5 });
  expect(second.models).toBe('');
});

it('has no dimension that grows with what users register', () => {
  const metrics = judgingMetrics();
  metrics.note(anEvent);
  metrics.flush();
  // biome-ignore lint/style/noNonNullAssertion: the line is there
  const [{ CloudWatchMetrics }] = [lines()[0]!._aws];
  expect(CloudWatchMetrics[0].Dimensions.flat()).toEqual(['service']);
});

it('loses no value of a scorer with more evaluations than a line holds', () => {
  const metrics = judgingMetrics();
  for (let i = 0; i < 250; i++) metrics.note({ ...anEvent, secondsToAssessment: i });
  metrics.flush();
  expect(lines().flatMap(({ SecondsToAssessment }) => SecondsToAssessment)).toHaveLength(250);
  expect(lines().reduce((sum, { EvaluationsJudged }) => sum + EvaluationsJudged, 0)).toBe(250);
});
