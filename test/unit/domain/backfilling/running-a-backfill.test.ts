import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cancelBackfill,
  pauseBackfill,
  resumeBackfill,
} from '../../../../shared/domain/backfilling/change-backfill.ts';
import { samplingCoordinate } from '../../../../shared/domain/sampling.ts';
import type { Fate } from '../../../support/dying-process.ts';
import { outlivesEachDeath, outlivesManyDeaths } from '../../../support/outlives-deaths.ts';
import { aRule, idOf } from '../../indexing/support.ts';
import { addsUp, anExecution, aStackWithTraces, everything, judgedBy, totalOf } from './support.ts';

const traceIds = (count: number) => Array.from({ length: count }, (_, n) => idOf(n));
const below = (rate: number, count: number) =>
  traceIds(count)
    .filter((id) => samplingCoordinate(id) < rate)
    .toSorted();

describe('a backfill', () => {
  it('judges what is sampled, says so in each assessment, and counts every trace once', async () => {
    const stack = await aStackWithTraces(30);
    const finished = await anExecution(stack).start({ ...everything, scorers: [{ name: 'length', sampleRate: 0.5 }] });
    expect(finished.state).toBe('finished');
    expect(judgedBy(stack, 'length')).toEqual(below(0.5, 30));
    const judged = below(0.5, 30).length;
    expect(totalOf(finished)).toMatchObject({ found: 30, judged, notSampled: 30 - judged, pending: 0 });
    const [assessment] = stack.index.entries.get(below(0.5, 30)[0] ?? '')?.assessments.values() ?? [];
    expect(assessment?.metadata).toMatchObject({ 'assay.backfillId': 'b1', 'assay.sampleRate': '0.5' });
    expect([...stack.backfills.covered.values()]).toMatchObject([
      { name: 'length', version: 1, sampleRate: 0.5, from: 0 },
    ]);
  });

  it('with live scoring and others before it judges exactly the union of what they select, each trace once', async () => {
    const rate = fc.integer({ min: 0, max: 10 }).map((n) => n / 10);
    await fc.assert(
      fc.asyncProperty(rate, fc.array(rate, { minLength: 1, maxLength: 3 }), async (live, rates) => {
        const stack = await aStackWithTraces(20, [aRule({ sampleRate: live })]);
        for (const [i, sampleRate] of rates.entries()) {
          const request = { ...everything, scorers: [{ name: 'length', sampleRate }] };
          const finished = await anExecution(stack).start(request, `b${i}`);
          const highest = Math.max(live, ...rates.slice(0, i));
          const added = traceIds(20).filter(
            (id) => samplingCoordinate(id) < sampleRate && samplingCoordinate(id) >= highest,
          );
          expect(totalOf(finished)).toMatchObject({ found: 20, judged: added.length, failed: 0 });
        }
        expect(judgedBy(stack, 'length')).toEqual(below(Math.max(live, ...rates), 20));
        const archived = stack.archived.assessments.map(({ assessmentId }) => assessmentId);
        expect(new Set(archived).size).toBe(archived.length);
      }),
      { numRuns: 12 },
    );
  });

  it('asks its filter, or the one that the scorer has', async () => {
    const stack = await aStackWithTraces(8, [aRule({ sampleRate: 0, filter: "trace.name = 'other'" })]);
    const scorers = [{ name: 'length', sampleRate: 1 }];
    const own = await anExecution(stack).start({ ...everything, scorers });
    expect(totalOf(own)).toMatchObject({ found: 8, filtered: 8, judged: 0 });
    const filter = "span.name = 'tool'";
    const given = await anExecution(stack).start({ ...everything, scorers, filter }, 'b2');
    expect(totalOf(given)).toMatchObject({ found: 8, filtered: 0, judged: 8 });
    const none = await anExecution(stack).start({ ...everything, scorers, filter: '' }, 'b3');
    expect(totalOf(none)).toMatchObject({ filtered: 0, alreadyDone: 8 });
  });

  it('in mode all judges again what was judged, once', async () => {
    const stack = await aStackWithTraces(10, [aRule({ sampleRate: 1 })]);
    const request = { ...everything, scorers: [{ name: 'length' }], mode: 'all' as const };
    const before = stack.archived.assessments.length;
    const finished = await anExecution(stack, { twice: true }).start(request);
    expect(totalOf(finished)).toMatchObject({ found: 10, judged: 10, alreadyDone: 0 });
    expect(stack.archived.assessments.length - before).toBe(10);
  });

  it('of a range without traces finishes at once', async () => {
    const stack = await aStackWithTraces(0);
    const finished = await anExecution(stack).start({ scorers: [{ name: 'length', sampleRate: 1 }] });
    expect(finished).toMatchObject({ state: 'finished', plan: { slices: 0, traces: 0 } });
    expect(totalOf(finished).found).toBe(0);
  });

  it('that is dry ends with its plan', async () => {
    const stack = await aStackWithTraces(20);
    const request = { ...everything, scorers: [{ name: 'length', sampleRate: 0.5 }], dryRun: true };
    const planned = await anExecution(stack).start(request);
    expect(planned.state).toBe('planned');
    expect(planned.plan).toMatchObject({
      traces: 20,
      predictions: [{ evaluations: below(0.5, 20).length, tokens: 0, usd: 0, basis: 'no-model' }],
    });
    expect(stack.requested).toEqual([]);
  });

  it('counts traces that are deleted after they were asked for, and those whose spans are to come', async () => {
    const stack = await aStackWithTraces(12);
    stack.index.entries.forEach((entry) => {
      if (entry.info.traceId === idOf(3)) entry.info = { ...entry.info, completeness: 'open' };
    });
    const beforeRound = async (round: number) => {
      if (round === 0) for (const n of [0, 5]) await stack.delete(idOf(n));
      await stack.drain();
    };
    const finished = await anExecution(stack, { beforeRound }).start({
      ...everything,
      scorers: [{ name: 'length', sampleRate: 1 }],
    });
    expect(totalOf(finished)).toMatchObject({ found: 12, judged: 9, deleted: 2, incomplete: 1, pending: 0 });
  });
});

describe('what is stopped', () => {
  const all = { ...everything, scorers: [{ name: 'length', sampleRate: 1 }] };
  const ref = { experimentId: '0', backfillId: 'b1' };

  it.each(['pause', 'cancel'] as const)(
    'is not judged any more after a %s, also what is queued, and goes on when it is resumed',
    async (how) => {
      const stack = await aStackWithTraces(20);
      let slices = 0;
      const afterSlice = async () => {
        if (++slices !== 2) return;
        const stop = how === 'pause' ? pauseBackfill : cancelBackfill;
        await stop(ref, { reason: 'by hand', deps: anExecution(stack).concluding() });
        stack.nowMs += 31_000;
      };
      const stopped = await anExecution(stack, { afterSlice }).start(all);
      expect(stopped).toMatchObject({ state: how === 'pause' ? 'paused' : 'cancelled', reason: 'by hand' });
      expect(judgedBy(stack, 'length')).toEqual([]);
      const progress = await anExecution(stack).progress(ref);
      expect(addsUp(progress)).toBe(true);
      const [{ found = 0, cancelled, pending } = {}] = progress.scorers;
      expect(found).toBeGreaterThan(0);
      expect([cancelled, pending]).toEqual(how === 'pause' ? [0, found] : [found, 0]);

      const resumed = await resumeBackfill(ref, { deps: anExecution(stack).concluding() });
      stack.nowMs += 31_000;
      const finished = await anExecution(stack).run(resumed);
      expect(totalOf(finished)).toMatchObject({ found: 20, judged: 20, alreadyDone: 0 });
      // Messages from before the pause came beside the new ones: code runs twice then, and says the same of the same assessment.
      expect(new Set(stack.archived.assessments.map(({ assessmentId }) => assessmentId)).size).toBe(20);
    },
  );

  it('by its cost is paused with the reason, and resumed with more', async () => {
    const stack = await aStackWithTraces(6);
    const beforeRound = async () => {
      await stack.drain();
      for (const { outcomes } of stack.index.entries.values())
        for (const [key, outcome] of outcomes) outcomes.set(key, { ...outcome, spent: { usd: 0.5, tokens: 10 } });
      // One whose message is lost: something is left to pause.
      stack.index.entries.get(idOf(2))?.outcomes.clear();
    };
    const paused = await anExecution(stack, { beforeRound }).start({ ...all, maxCostUsd: 2 });
    expect(paused.state).toBe('paused');
    expect(paused.reason).toMatch(/has cost 2\.50 US\$, max_cost_usd is 2:/);
    expect((await anExecution(stack).progress(ref)).usd).toBe(2.5);
    const resumed = await resumeBackfill(ref, { maxCostUsd: 9, deps: anExecution(stack).concluding() });
    stack.nowMs += 31_000;
    const finished = await anExecution(stack).run(resumed);
    expect(totalOf(finished)).toMatchObject({ judged: 6 });
  });

  it('because its messages were lost is paused after two hours, and asked for again when it is resumed', async () => {
    const stack = await aStackWithTraces(9);
    const beforeRound = () => stack.loseBackfillMessages();
    const start = stack.nowMs;
    const paused = await anExecution(stack, { beforeRound }).start(all);
    expect(paused).toMatchObject({ state: 'paused', reason: expect.stringContaining('dead letters') });
    expect(stack.nowMs - start).toBeGreaterThanOrEqual(2 * 3_600_000);
    const resumed = await resumeBackfill(ref, { deps: anExecution(stack).concluding() });
    expect(totalOf(await anExecution(stack).run(resumed))).toMatchObject({ judged: 9 });
  });

  it('because its scorer was deleted is cancelled', async () => {
    const stack = await aStackWithTraces(9);
    const beforeRound = () => {
      stack.scorers = [];
    };
    const cancelled = await anExecution(stack, { beforeRound }).start(all);
    expect(cancelled).toMatchObject({ state: 'cancelled', reason: "scorer 'length' was deleted" });
    expect((await anExecution(stack).progress(ref)).scorers).toMatchObject([{ found: 9, cancelled: 9, pending: 0 }]);
  });

  it('is superseded by the execution that resumes it', async () => {
    const stack = await aStackWithTraces(9);
    const beforeRound = async (round: number) => {
      if (round === 0) await resumeBackfill(ref, { deps: anExecution(stack).concluding() });
      else throw new Error('the first execution goes on');
    };
    const left = await anExecution(stack, { beforeRound }).start(all);
    expect(left).toMatchObject({ state: 'running', attempt: 2 });
    expect(totalOf(await anExecution(stack).run(left))).toMatchObject({ judged: 9 });
  });
});

describe('the end', () => {
  async function run(options: { fate?: Fate; twice?: boolean }): Promise<unknown> {
    const stack = await aStackWithTraces(9, [aRule({ sampleRate: 0.3 })]);
    const execution = anExecution(stack, { ...options, sliceSize: 3, beforeRound: () => stack.drain(options) });
    const finished = await execution.start({ ...everything, scorers: [{ name: 'length', sampleRate: 0.8 }] });
    await stack.drain();
    const { state, counts } = finished;
    return { state, counts, judged: judgedBy(stack, 'length'), covered: [...stack.backfills.covered.keys()] };
  }

  it('is the same when everything is done twice', async () => {
    expect(await run({ twice: true })).toEqual(await run({}));
  });

  it.each(['before', 'after'] as const)('is the same wherever a process dies, just %s a call', async (when) => {
    expect(await run({})).toMatchObject({ state: 'finished', judged: below(0.8, 9) });
    expect(await outlivesEachDeath(run, when)).toBeGreaterThan(60);
  });

  it('is the same when processes die again and again', async () => {
    await outlivesManyDeaths(run);
  });
});
