import { describe, expect, it } from 'vitest';
import { cancelBackfill, resumeBackfill } from '../../../../shared/domain/backfilling/change-backfill.ts';
import { BudgetExhaustedError } from '../../../../shared/domain/judging/budget.ts';
import { JudgeUnavailableError } from '../../../../shared/domain/judging/judge-model.ts';
import type { Fate } from '../../../support/dying-process.ts';
import { idOf } from '../../indexing/support.ts';
import { addsUp, aJudgedStack, anExecution, everything, hour, judgedBy, minute, passing, totalOf } from './support.ts';

const all = { ...everything, scorers: [{ name: 'safety', sampleRate: 1 }] };

describe('a judge that is down for an hour in the middle of a backfill', () => {
  it('is waited for, and loses or repeats nothing', async () => {
    const { stack, model } = await aJudgedStack({ traces: 9 });
    let backAt = 0;
    model.refuses = (asked) => {
      if (asked < 4 || (backAt > 0 && stack.nowMs >= backAt)) return undefined;
      backAt ||= stack.nowMs + 60 * minute;
      return new JudgeUnavailableError('the model is down', { reason: 'unavailable' });
    };
    const finished = await anExecution(stack, { beforeRound: passing(stack) }).start(all);
    expect(finished.state).toBe('finished');
    expect(stack.nowMs).toBeGreaterThan(backAt);
    expect(totalOf(finished)).toMatchObject({ found: 9, judged: 9, held: 0, failed: 0 });
    expect(model.asked).toHaveLength(9);
    expect(stack.requested.every(({ backfill }) => backfill?.id === 'b1')).toBe(true);
  });
});

describe('a budget that is used up in the middle of a backfill', () => {
  /** Four judgements a day. */
  async function aPoorStack({ catchUpBudgets }: { catchUpBudgets: boolean }) {
    const { stack, model } = await aJudgedStack({ traces: 9 });
    stack.rules = { ...stack.rules, settings: { ...stack.rules.settings, catchUpBudgets } };
    const until = Math.ceil(stack.nowMs / (24 * hour)) * 24 * hour;
    const scope = { experimentId: '0' };
    model.refuses = (asked) =>
      asked < 4 || stack.nowMs >= until
        ? undefined
        : new BudgetExhaustedError({ scope, period: 'day', unit: 'tokens', reason: 'spent', until });
    return { stack, model, until };
  }

  it('holds what is left, is told so by a backfill that finishes, and costs another one none of what was judged', async () => {
    const { stack, model, until } = await aPoorStack({ catchUpBudgets: false });
    const pass = passing(stack);
    const finished = await anExecution(stack, { beforeRound: pass }).start(all);
    expect(finished.state).toBe('finished');
    expect(totalOf(finished)).toMatchObject({ found: 9, judged: 4, held: 5, pending: 0 });
    expect(addsUp({ scorers: finished.counts ?? [] })).toBe(true);
    stack.nowMs = until + hour;
    await pass();
    expect(model.asked).toHaveLength(4);
    const second = await anExecution(stack, { beforeRound: pass }).start(all, 'b2');
    expect(totalOf(second)).toMatchObject({ found: 9, alreadyDone: 4, judged: 5, held: 0 });
    expect(model.asked).toHaveLength(9);
    expect(judgedBy(stack, 'safety')).toHaveLength(9);
  });

  it('holds what is judged the day after when the backfill was cancelled and is resumed', async () => {
    const { stack, model, until } = await aPoorStack({ catchUpBudgets: false });
    const pass = passing(stack);
    const ref = { experimentId: '0', backfillId: 'b1' };
    const deps = anExecution(stack).concluding();
    // Slice by slice; the messages of the last one are lost, so that something is left to wait for.
    const afterSlice = () => (stack.requested.length < 9 ? stack.drain() : stack.loseBackfillMessages());
    const beforeRound = async (round: number) => {
      await pass();
      if (round === 1) await cancelBackfill(ref, { reason: 'by hand', deps });
    };
    const cancelled = await anExecution(stack, { afterSlice, beforeRound, sliceSize: 2 }).start(all);
    expect(cancelled.state).toBe('cancelled');
    const [before] = (await anExecution(stack).progress(ref)).scorers;
    expect(before).toMatchObject({ judged: 4, held: expect.any(Number) });
    expect(before?.held).toBeGreaterThan(1);
    stack.nowMs = until + hour;
    await pass();
    const finished = await anExecution(stack, { beforeRound: pass }).run(await resumeBackfill(ref, { deps }));
    expect(totalOf(finished)).toMatchObject({ found: 9, judged: 9, held: 0, cancelled: 0 });
    expect(model.asked).toHaveLength(9);
  });

  it('is caught up when it returns where the experiment asks for that, each trace once', async () => {
    const { stack, model, until } = await aPoorStack({ catchUpBudgets: true });
    const pass = passing(stack);
    const finished = await anExecution(stack, { beforeRound: pass }).start(all);
    expect(totalOf(finished)).toMatchObject({ found: 9, judged: 4, held: 5, pending: 0 });
    stack.nowMs = until + 2 * hour;
    await pass();
    expect(judgedBy(stack, 'safety')).toHaveLength(9);
    expect(model.asked).toHaveLength(9);
  });
});

describe('a scorer that is deleted in the middle of a backfill', () => {
  it('has it cancelled, keeps what was judged, and nothing is asked or lost of what was queued', async () => {
    const { stack, model } = await aJudgedStack({ traces: 9 });
    let slices = 0;
    const afterSlice = async () => {
      if (++slices !== 2) return;
      await stack.drain();
      stack.scorers = [];
    };
    const execution = anExecution(stack, { afterSlice, sliceSize: 2, beforeRound: passing(stack) });
    const cancelled = await execution.start(all);
    expect(cancelled).toMatchObject({ state: 'cancelled', reason: "scorer 'safety' was deleted" });
    const progress = await execution.progress(cancelled);
    expect(addsUp(progress)).toBe(true);
    const judged = judgedBy(stack, 'safety').length;
    expect(judged).toBeGreaterThan(0);
    expect(progress.scorers).toMatchObject([{ found: 9, judged, cancelled: 9 - judged, failed: 0, pending: 0 }]);
    expect(model.asked).toHaveLength(judged);
  });
});

describe('a backfill whose functions are killed', () => {
  async function run(fate: Fate = () => undefined) {
    const { stack, model } = await aJudgedStack({ traces: 4, rate: 0.3 });
    const live = model.asked.length;
    let fails = 3;
    model.refuses = (asked) =>
      asked === live + 2 && fails-- > 0
        ? new JudgeUnavailableError('the model is down', { reason: 'unavailable' })
        : undefined;
    const beforeRound = passing(stack, { delivery: { fate } });
    const request = { ...everything, scorers: [{ name: 'safety', sampleRate: 0.9 }] };
    const { state, counts } = await anExecution(stack, { fate, sliceSize: 2, beforeRound }).start(request);
    const ids = stack.archived.assessments.map(({ assessmentId }) => assessmentId);
    return { asked: model.asked.length, end: { state, counts, judged: judgedBy(stack, 'safety'), ids: new Set(ids) } };
  }

  it.each(['before', 'after'] as const)(
    'just %s any call, while its model fails, ends the same, and pays again at most for what was under way',
    async (when) => {
      const expected = await run();
      expect(expected.end).toMatchObject({ state: 'finished', counts: [{ found: 4, pending: 0, held: 0 }] });
      for (let deadly = 1; ; deadly++) {
        let call = 0;
        const { asked, end } = await run(() => (++call === deadly ? when : undefined));
        expect(end, `death ${when} call ${deadly}`).toEqual(expected.end);
        expect(asked, `death ${when} call ${deadly}`).toBeLessThanOrEqual(expected.asked + expected.end.judged.length);
        if (call < deadly) return expect(deadly).toBeGreaterThan(60);
      }
    },
  );
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
    // Its queue is slow: what was let go is not told as held before its message has come.
    const finished = await anExecution(stack, { beforeRound: (round) => round > 1 && pass() }).run(resumed);
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
