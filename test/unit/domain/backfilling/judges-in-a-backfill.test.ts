import { describe, expect, it } from 'vitest';
import { cancelBackfill, resumeBackfill } from '../../../../shared/domain/backfilling/change-backfill.ts';
import { type JudgeRequest, JudgeUnavailableError } from '../../../../shared/domain/judging/judge-model.ts';
import { spansMessage } from '../../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { aRule, aStack, aTrace, idOf } from '../../indexing/support.ts';
import { addsUp, anExecution, everything, judgedBy, totalOf } from './support.ts';

const minute = 60_000;

/** Traces with something to judge, and a judge whose model answers unless it is down. */
async function aJudgedStack({ traces, rate = 0 }: { traces: number; rate?: number }) {
  const stack = aStack([aRule({ name: 'safety', sampleRate: rate })]);
  const serialized = JSON.stringify({
    name: 'safety',
    builtin_scorer_class: 'Safety',
    builtin_scorer_pydantic_data: {},
  });
  stack.scorers = stack.scorers.map((scorer) => ({ ...scorer, serialized }));
  const model = { isDown: false, asked: [] as JudgeRequest[] };
  stack.model = {
    ...stack.model,
    async complete(request: JudgeRequest) {
      if (model.isDown) throw new JudgeUnavailableError('the model is down', { reason: 'unavailable' });
      model.asked.push(request);
      return {
        text: '{"result": "yes", "rationale": "it is safe"}',
        toolCalls: [],
        stop: 'end' as const,
        usage: { inputTokens: 100, outputTokens: 10 },
      };
    },
  };
  for (let n = 0; n < traces; n++) {
    const [root, ...rest] = aTrace(n);
    const talk = [{ ...root, attributes: { 'input.value': `is it ${n}?`, 'output.value': 'it is' } }, ...rest];
    stack.send(spansMessage(talk, { receivedAt: stack.nowMs }));
  }
  await stack.drain();
  stack.requested.length = 0;
  // A backfill runs on the past.
  stack.nowMs += 5 * minute;
  return { stack, model };
}

/** Time passes between two rounds; the sweep comes every minute of it. */
function passing(stack: InMemoryStack, each: () => void = () => {}) {
  let swept = stack.nowMs;
  return async () => {
    const end = stack.nowMs;
    for (stack.nowMs = swept; stack.nowMs < end; stack.nowMs += minute) {
      each();
      await stack.sweep();
      await stack.drain();
    }
    stack.nowMs = Math.max(stack.nowMs, end);
    await stack.drain();
    swept = stack.nowMs;
  };
}

const all = { ...everything, scorers: [{ name: 'safety', sampleRate: 1 }] };

describe('a judge that is down for an hour in the middle of a backfill', () => {
  it('is waited for, and loses or repeats nothing', async () => {
    const { stack, model } = await aJudgedStack({ traces: 9 });
    const start = stack.nowMs;
    model.isDown = true;
    const beforeRound = passing(stack, () => {
      model.isDown = stack.nowMs < start + 60 * minute;
    });
    const finished = await anExecution(stack, { beforeRound }).start(all);
    expect(finished.state).toBe('finished');
    expect(stack.nowMs - start).toBeGreaterThan(60 * minute);
    expect(totalOf(finished)).toMatchObject({ found: 9, judged: 9, held: 0, failed: 0 });
    expect(model.asked).toHaveLength(9);
    expect(stack.requested.every(({ backfill }) => backfill?.id === 'b1')).toBe(true);
  });
});

describe('what is held when its backfill is cancelled', () => {
  it('is let go, and judged when the backfill is resumed', async () => {
    const { stack, model } = await aJudgedStack({ traces: 4 });
    const ref = { experimentId: '0', backfillId: 'b1' };
    const deps = anExecution(stack).concluding();
    model.isDown = true;
    const pass = passing(stack);
    const beforeRound = async (round: number) => {
      await pass();
      if (round === 0) await cancelBackfill(ref, { reason: 'by hand', deps });
      // Long enough for the sweep to ask for what is held.
      stack.nowMs += 20 * minute;
      await pass();
    };
    expect((await anExecution(stack, { beforeRound }).start(all)).state).toBe('cancelled');
    const asked = stack.requested.length;
    stack.nowMs += 60 * minute;
    await pass();
    expect(stack.requested).toHaveLength(asked);
    model.isDown = false;
    const resumed = await resumeBackfill(ref, { deps });
    const finished = await anExecution(stack, { beforeRound: pass }).run(resumed);
    expect(totalOf(finished)).toMatchObject({ found: 4, judged: 4, held: 0 });
    expect(model.asked).toHaveLength(4);
  });
});

describe('what is held for good', () => {
  it('does not keep a backfill from its end, and is told', async () => {
    const { stack, model } = await aJudgedStack({ traces: 4 });
    model.isDown = true;
    const pass = passing(stack);
    const beforeRound = async (round: number) => {
      await pass();
      if (round > 0) return;
      model.isDown = false;
      // As by a budget that is not caught up: nothing asks for it again.
      const outcomes = stack.index.entries.get(idOf(1))?.outcomes ?? new Map();
      for (const [key, { dueAt: _, ...outcome }] of outcomes) outcomes.set(key, outcome);
    };
    const execution = anExecution(stack, { beforeRound });
    const finished = await execution.start(all);
    expect(totalOf(finished)).toMatchObject({ found: 4, judged: 3, held: 1, pending: 0 });
    expect(addsUp({ scorers: finished.counts ?? [] })).toBe(true);
  });
});

describe('a prediction', () => {
  it('takes what recent assessments of the same scorer took, and counts what is left to judge', async () => {
    const { stack } = await aJudgedStack({ traces: 10, rate: 0.5 });
    const judged = judgedBy(stack, 'safety').length;
    const planned = await anExecution(stack).start({ ...all, dryRun: true });
    expect(planned.plan).toMatchObject({
      traces: 10,
      predictions: [{ evaluations: 10 - judged, tokens: (10 - judged) * 110, basis: 'scorer' }],
    });
    expect(planned.plan?.predictions[0]).not.toHaveProperty('usd');
  });

  it('says that it knows nothing where no judge has assessed anything', async () => {
    const { stack } = await aJudgedStack({ traces: 3 });
    const planned = await anExecution(stack).start({ ...all, dryRun: true });
    expect(planned.plan?.predictions).toEqual([{ evaluations: 3, basis: 'unknown' }]);
  });
});
