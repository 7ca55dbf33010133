import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../shared/domain/experiment.ts';
import { BudgetExhaustedError } from '../../../shared/domain/judging/budget.ts';
import {
  type JudgeAnswer,
  JudgeMisconfiguredError,
  JudgeOutOfTimeError,
  type JudgeRequest,
  JudgeUnavailableError,
} from '../../../shared/domain/judging/judge-model.ts';
import type { ScorerVersion } from '../../../shared/domain/scorer.ts';
import { dyingAt, type Fate } from '../../support/dying-process.ts';
import { type JsonSpan, spansMessage } from '../../support/in-memory/bodies.ts';
import { InMemoryStack } from '../../support/in-memory/in-memory-stack.ts';
import { aRule, aScorerVersion, aTrace, idOf } from './support.ts';

const minute = 60_000;
const unavailable = () => new JudgeUnavailableError('the model is throttled', { reason: 'throttled' });
const misconfigured = () => new JudgeMisconfiguredError('the key is wrong', { reason: 'credentials' });
const yes: JudgeAnswer = {
  text: '{"result": "yes", "rationale": "it is safe"}',
  toolCalls: [],
  stop: 'end',
  usage: { inputTokens: 100, outputTokens: 10 },
};

function aJudge(name: string, className: string): ScorerVersion {
  return aScorerVersion(name, { builtin_scorer_class: className, builtin_scorer_pydantic_data: {} });
}

function aStackWith(...scorers: readonly ScorerVersion[]): InMemoryStack {
  const rules = {
    experimentId: '0',
    version: 3,
    scorers: scorers.map(({ name }) => aRule({ name })),
    settings: defaultSettings,
  };
  return new InMemoryStack({ rules, scorers });
}

/** A trace that a judge is selected for, before a model whose answers follow a script; the last of it goes on for good. */
function aJudgedStack(...script: (JudgeAnswer | (() => Error))[]) {
  const stack = aStackWith(aJudge('safety', 'Safety'));
  const asked: JudgeRequest[] = [];
  stack.model = {
    uri: 'test:/model',
    contextTokens: 100_000,
    async complete(request: JudgeRequest) {
      asked.push(request);
      const next = script[Math.min(asked.length, script.length) - 1];
      if (typeof next === 'function') throw next();
      return next as JudgeAnswer;
    },
  };
  stack.send(spansMessage(aTalk(0), { receivedAt: stack.nowMs }));
  return { stack, asked };
}

/** A trace with something to judge. */
function aTalk(n: number) {
  const [root, ...rest] = aTrace(n);
  return [{ ...root, attributes: { 'input.value': 'is it?', 'output.value': `it is ${n}` } }, ...rest] as JsonSpan[];
}

function left(stack: InMemoryStack) {
  const { outcomes, assessments } = stack.index.entries.get(idOf(0)) ?? {};
  const [outcome] = [...(outcomes?.values() ?? [])];
  return { outcome, assessments: [...(assessments?.values() ?? [])] };
}

/** Lets time pass, with the sweep that comes every minute. */
async function pass(stack: InMemoryStack, ms: number): Promise<void> {
  const end = stack.nowMs + ms;
  while (stack.nowMs < end) {
    stack.nowMs += minute;
    await stack.sweep();
    await stack.drain();
  }
}

describe('a judge that answers', () => {
  it('leaves an assessment with its model, its prompt, its tokens, its scorer and rate', async () => {
    const { stack, asked } = aJudgedStack(yes);
    await stack.drain();
    expect(asked).toHaveLength(1);
    const { outcome, assessments } = left(stack);
    expect(outcome?.state).toBe('done');
    expect(assessments).toMatchObject([
      {
        name: 'safety',
        value: 'yes',
        rationale: 'it is safe',
        source: { type: 'LLM_JUDGE', id: 'test:/model' },
        scorer: { name: 'safety', version: 1, sampleRate: 1 },
        metadata: {
          'assay.model': 'test:/model',
          'assay.promptHash': expect.stringMatching(/^[0-9a-f]{64}$/),
          'mlflow.assessment.judgeInputTokens': '100',
          'mlflow.assessment.scorerVersion': '1',
          'assay.sampleRate': '1',
        },
      },
    ]);
  });

  it('is asked once where the message comes twice at once', async () => {
    const { stack, asked } = aJudgedStack(yes);
    await stack.drain({ twice: true });
    expect(asked).toHaveLength(1);
    expect(left(stack).assessments).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)(
    'leaves one assessment wherever its function dies, just %s a call, and is paid twice at most',
    async (when) => {
      for (let deadly = 1; deadly < 60; deadly++) {
        const { stack, asked } = aJudgedStack(yes);
        let call = 0;
        const fate: Fate = () => (++call === deadly ? when : undefined);
        await stack.drain({ fate });
        expect(left(stack).assessments, `death ${when} call ${deadly}`).toMatchObject([{ value: 'yes' }]);
        expect(left(stack).outcome?.state).toBe('done');
        expect(asked.length, `death ${when} call ${deadly}`).toBeLessThanOrEqual(2);
        if (call < deadly) return;
      }
      throw new Error('the run never ended before its death');
    },
  );
});

describe('a judge that is not there', () => {
  it('for a moment is waited for by the message', async () => {
    const { stack, asked } = aJudgedStack(unavailable, unavailable, yes);
    const began = stack.nowMs;
    await stack.drain();
    expect(asked).toHaveLength(3);
    expect(left(stack)).toMatchObject({ outcome: { state: 'done' }, assessments: [{ value: 'yes' }] });
    expect(stack.nowMs - began).toBeLessThan(minute);
  });

  it('is not waited for longer because of another that is not to be asked for a while', async () => {
    const stack = aStackWith(aJudge('safety', 'Safety'), aJudge('summary', 'Summarization'));
    const failures = [unavailable(), unavailable()];
    stack.model = {
      ...stack.model,
      async complete({ system }: JudgeRequest) {
        if (/summar/i.test(system)) throw misconfigured();
        const failure = failures.pop();
        if (failure) throw failure;
        return yes;
      },
    };
    stack.send(spansMessage(aTalk(0), { receivedAt: stack.nowMs }));
    await stack.drain();
    const [judged] = [...(stack.index.entries.get(idOf(0))?.assessments.values() ?? [])];
    const seconds = ((judged?.createdAt ?? 0) - Date.UTC(2026, 10, 21, 12)) / 1000;
    // The settle delay, and two short waits.
    expect(seconds).toBe(5 + 5 + 10);
  });

  it('for half a day is waited for by a held evaluation, less and less often, and is no score', async () => {
    const { stack, asked } = aJudgedStack(unavailable);
    await stack.drain();
    expect(left(stack)).toMatchObject({
      outcome: { state: 'held', reason: 'the model is throttled' },
      assessments: [],
    });
    await pass(stack, 12 * 60 * minute);
    expect(left(stack)).toMatchObject({ outcome: { state: 'held' }, assessments: [] });
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.length).toBeLessThan((12 * 60) / 10);
    stack.model = { ...stack.model, complete: async () => yes };
    await pass(stack, 16 * minute);
    expect(left(stack)).toMatchObject({ outcome: { state: 'done' }, assessments: [{ value: 'yes' }] });
  });

  it('for two days becomes an error, which is no score', async () => {
    const { stack } = aJudgedStack(unavailable);
    await stack.drain();
    await pass(stack, 49 * 60 * minute);
    expect(left(stack)).toMatchObject({
      outcome: { state: 'failed' },
      assessments: [{ value: null, error: { code: 'JUDGE_UNAVAILABLE' } }],
    });
  }, 30_000);

  it('is waited for wherever the sweep dies', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let deadly = 1; deadly < 8; deadly++) {
        const { stack } = aJudgedStack(unavailable, unavailable, unavailable, unavailable, yes);
        await stack.drain();
        stack.nowMs += 2 * minute;
        await stack.sweep(dyingAt(deadly, when)).catch(() => {});
        await stack.drain();
        await pass(stack, 20 * minute);
        expect(left(stack), `death ${when} call ${deadly}`).toMatchObject({ outcome: { state: 'done' } });
      }
    }
  });
});

describe('a judge that nobody can ask until something is mended', () => {
  it('pauses its scorer with the reason, and resumes it when it answers', async () => {
    const { stack } = aJudgedStack(misconfigured);
    await stack.drain();
    expect(left(stack)).toMatchObject({ outcome: { state: 'held', reason: 'the key is wrong' }, assessments: [] });
    expect(stack.rules.scorers).toMatchObject([
      { name: 'safety', paused: { reason: 'the key is wrong', by: 'judge' } },
    ]);
    stack.send(spansMessage(aTrace(1), { receivedAt: stack.nowMs }));
    await stack.drain();
    expect(stack.index.entries.get(idOf(1))?.info.decision?.selected).toEqual([]);
    await pass(stack, 30 * minute);
    stack.model = { ...stack.model, complete: async () => yes };
    await pass(stack, 61 * minute);
    expect(left(stack)).toMatchObject({ outcome: { state: 'done' }, assessments: [{ value: 'yes' }] });
    expect(stack.rules.scorers[0]?.paused).toBeUndefined();
  });
});

describe('a paused scorer', () => {
  it('is tried by the next trace when the one that would have tried it is deleted', async () => {
    const { stack } = aJudgedStack(misconfigured);
    await stack.drain();
    expect(stack.rules.scorers[0]?.paused).toBeDefined();
    await stack.delete(idOf(0));
    await pass(stack, 61 * minute);
    expect(stack.rules.scorers[0]?.paused).toBeUndefined();
    expect(stack.index.heldOfGone.get(idOf(0))?.size ?? 0).toBe(0);
    stack.model = { ...stack.model, complete: async () => yes };
    stack.send(spansMessage(aTalk(1), { receivedAt: stack.nowMs }));
    await stack.drain();
    expect([...(stack.index.entries.get(idOf(1))?.assessments.values() ?? [])]).toMatchObject([{ value: 'yes' }]);
  });

  it('is not given up for the time that it was paused when its model is throttled once it can be asked', async () => {
    const { stack } = aJudgedStack(misconfigured);
    await stack.drain();
    await pass(stack, 49 * 60 * minute);
    stack.model = { ...stack.model, complete: async () => Promise.reject(unavailable()) };
    await pass(stack, 61 * minute);
    expect(left(stack)).toMatchObject({ outcome: { state: 'held', heldBy: 'throttled' }, assessments: [] });
  }, 30_000);

  it('that is stopped is not tried any more', async () => {
    const { stack, asked } = aJudgedStack(misconfigured);
    await stack.drain();
    stack.rules = {
      ...stack.rules,
      version: stack.rules.version + 1,
      scorers: [aRule({ name: 'safety', sampleRate: 0 })],
    };
    const before = asked.length;
    await pass(stack, 61 * minute);
    expect(asked.length).toBe(before);
    expect(left(stack)).toMatchObject({ outcome: { state: 'failed', reason: /stopped/ }, assessments: [] });
  });

  it('whose pause cannot be written costs the other scorers of the trace nothing', async () => {
    const stack = aStackWith(aJudge('safety', 'Safety'), aJudge('summary', 'Summarization'));
    stack.model = {
      ...stack.model,
      complete: async ({ system }: JudgeRequest) => (/summar/i.test(system) ? Promise.reject(misconfigured()) : yes),
    };
    stack.rulesAreWritten = false;
    stack.send(spansMessage(aTalk(0), { receivedAt: stack.nowMs }));
    await stack.drain().catch(() => {});
    expect(left(stack).assessments).toMatchObject([{ name: 'safety', value: 'yes' }]);
  });
});

it('what a budget held back is asked for again when it returns, the newest first', async () => {
  const until = Date.UTC(2026, 10, 22);
  const exhausted = () =>
    new BudgetExhaustedError({ scope: { experimentId: '0' }, period: 'day', unit: 'tokens', reason: 'spent', until });
  const { stack } = aJudgedStack(exhausted);
  stack.rules = { ...stack.rules, settings: { ...stack.rules.settings, catchUpBudgets: true } };
  for (let n = 1; n < 8; n++) {
    stack.nowMs += 60 * minute;
    const spans = aTalk(n).map((span) => ({ ...span, start: n * 3_600, end: n * 3_600 + 1 }));
    stack.send(spansMessage(spans, { receivedAt: stack.nowMs }));
    await stack.drain();
  }
  const before = stack.requested.length;
  stack.model = { ...stack.model, complete: async () => yes };
  await pass(stack, until - stack.nowMs + 61 * minute);
  const tried = stack.requested.slice(before).map(({ traceId }) => traceId);
  expect(tried).toEqual([7, 6, 5, 4, 3, 2, 1, 0].map(idOf));
});

it('a judge that nobody can ask pauses its scorer once, however many traces find it out at once', async () => {
  const { stack } = aJudgedStack(misconfigured);
  const { version } = stack.rules;
  for (let n = 1; n < 50; n++) stack.send(spansMessage(aTalk(n), { receivedAt: stack.nowMs }));
  await stack.drain();
  expect(stack.lastError).toBeUndefined();
  expect(stack.rules.version).toBe(version + 1);
  const outcomes = [...stack.index.entries.values()].flatMap((entry) => [...entry.outcomes.values()]);
  expect(outcomes.map(({ state }) => state)).toEqual(Array(50).fill('held'));
});

it('a judge that answers nonsense twice leaves an error with what it wrote, and no score', async () => {
  const { stack, asked } = aJudgedStack({ ...yes, text: 'I would rather not say' });
  await stack.drain();
  expect(asked).toHaveLength(2);
  expect(left(stack)).toMatchObject({
    outcome: { state: 'failed' },
    assessments: [
      {
        value: null,
        error: { code: 'JUDGE_ANSWER_INVALID' },
        metadata: { 'assay.judgeAnswer': 'I would rather not say' },
      },
    ],
  });
});

/** A judge that looks into traces by tools. */
function anExplorer(name: string): ScorerVersion {
  const judge = { instructions_judge_pydantic_data: { instructions: 'Was {{ trace }} in order?', model: null } };
  const serialized = JSON.stringify({ name, serialization_version: 1, ...judge });
  return { experimentId: '0', name, version: 1, scorerId: `id of ${name}`, serialized, createdAt: 0 };
}

describe('a judge that would take longer than its function lives', () => {
  /** Twenty traces of a judge that answers after ten seconds, and one of a judge that looks on and on, five seconds a step. */
  function aSlowOneBesideQuickOnes() {
    const stack = aStackWith(aJudge('quick', 'Safety'), anExplorer('slow'));
    const scorers = ['quick', 'slow'].map((name) => aRule({ name, filter: `trace.name = '${name}'` }));
    stack.rules = { ...stack.rules, scorers };
    const asked = { quick: 0, slow: 0 };
    stack.model = {
      ...stack.model,
      async complete({ tools, until = Number.POSITIVE_INFINITY }) {
        const beganAt = stack.nowMs;
        if (tools.length === 0) {
          asked.quick++;
          while (stack.nowMs < beganAt + 10_000) await new Promise((resolve) => setImmediate(resolve));
          return yes;
        }
        asked.slow++;
        await new Promise((resolve) => setImmediate(resolve));
        stack.nowMs = Math.min(beganAt + 5_000, until);
        if (beganAt + 5_000 > until) throw new JudgeOutOfTimeError('it did not answer in time', { beganAt });
        return { ...yes, text: '', toolCalls: [{ id: '1', name: 'list_spans', arguments: {} }] };
      },
    };
    for (let n = 0; n <= 20; n++) {
      const [root, ...rest] = aTalk(n);
      const named = { ...root, name: n === 0 ? 'slow' : 'quick' } as JsonSpan;
      stack.send(spansMessage([named, ...rest], { receivedAt: stack.nowMs }));
    }
    return { stack, asked };
  }

  it('costs those beside it nothing, and is an error after all of the time, asked for once', async () => {
    const { stack, asked } = aSlowOneBesideQuickOnes();
    const began = stack.nowMs;
    await stack.drain();
    // The settle delay, and the time of one function without its reserve: no message came back.
    expect(stack.nowMs - began).toBe(5_000 + 105_000);
    expect(asked).toEqual({ quick: 20, slow: 21 });
    for (let n = 1; n <= 20; n++) {
      const { outcomes, assessments } = stack.index.entries.get(idOf(n)) ?? {};
      expect([...(outcomes?.values() ?? [])]).toMatchObject([{ scorerName: 'quick', state: 'done' }]);
      expect([...(assessments?.values() ?? [])]).toMatchObject([{ value: 'yes' }]);
    }
    expect(left(stack)).toMatchObject({
      outcome: { scorerName: 'slow', state: 'failed' },
      assessments: [{ value: null, error: { code: 'JUDGE_TIMEOUT' }, metadata: { 'assay.judgeCalls': '21' } }],
    });
  });
});

describe('what is told of evaluations', () => {
  it('is how long the trace waited for its assessment, and what the model took for it', async () => {
    const { stack } = aJudgedStack(yes);
    await stack.drain();
    expect(stack.noted).toEqual([
      {
        experimentId: '0',
        scorer: 'safety',
        outcome: { kind: 'judged' },
        models: ['test:/model'],
        usd: 0,
        tokens: 110,
        reused: 0,
        // The settle delay.
        secondsToAssessment: 5,
      },
    ]);
  });

  it('is by what it was held, and how it failed', async () => {
    const { stack } = aJudgedStack(unavailable, { ...yes, text: 'nonsense' });
    await stack.drain();
    expect(stack.noted).toMatchObject([
      { outcome: { kind: 'held', by: 'throttled' } },
      { outcome: { kind: 'failed', code: 'JUDGE_ANSWER_INVALID' }, tokens: 220 },
    ]);
    expect(stack.noted[0]).not.toHaveProperty('secondsToAssessment');
    const paused = aJudgedStack(misconfigured).stack;
    await paused.drain();
    expect(paused.noted).toMatchObject([{ outcome: { kind: 'held', by: 'misconfigured' } }]);
  });
});

/** Counts the calls of a stack's model, each of which takes a while. */
function counted(stack: InMemoryStack) {
  const calls = { inFlight: 0, most: 0, count: 0 };
  const { model } = stack;
  stack.model = {
    ...model,
    async complete(request) {
      calls.count += 1;
      calls.inFlight += 1;
      calls.most = Math.max(calls.most, calls.inFlight);
      await new Promise((resolve) => setTimeout(resolve, 100));
      calls.inFlight -= 1;
      return model.complete(request);
    },
  };
  return calls;
}

function sendTalking(stack: InMemoryStack, n: number, attributes: Record<string, string> = {}): void {
  const [root, ...rest] = aTrace(n);
  const said = { 'input.value': 'is it?', 'output.value': `it is, for ${n}` };
  stack.send(spansMessage([{ ...root, attributes: { ...said, ...attributes } }, ...rest], { receivedAt: stack.nowMs }));
}

describe('judges of many traces', () => {
  it('wait for their model together: fifty calls are in flight, and no trace is lost', async () => {
    const { stack } = aJudgedStack(yes);
    const calls = counted(stack);
    for (let n = 1; n < 200; n++) sendTalking(stack, n);
    await stack.drain();
    expect(calls).toEqual({ inFlight: 0, most: 50, count: 200 });
    const judged = [...stack.index.entries.values()].filter(({ assessments }) => assessments.size === 1);
    expect(judged).toHaveLength(200);
  });

  it('have as many traces in memory as there is room for', async () => {
    const { stack } = aJudgedStack(yes);
    const calls = counted(stack);
    for (let n = 1; n < 6; n++) sendTalking(stack, n, { noise: randomBytes(1_500_000).toString('hex') });
    await stack.drain();
    expect(calls).toEqual({ inFlight: 0, most: expect.toSatisfy((most: number) => most <= 3), count: 6 });
  });
});
