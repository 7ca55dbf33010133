import { beforeEach, describe, expect, it } from 'vitest';
import {
  cancelBackfill,
  pauseBackfill,
  resumeBackfill,
} from '../../../../shared/domain/backfilling/change-backfill.ts';
import type { BackfillRequest } from '../../../../shared/domain/backfilling/request.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { aRule } from '../../indexing/support.ts';
import { anExecution, aStackWithTraces, hour } from './support.ts';

let stack: InMemoryStack;
beforeEach(async () => {
  const filter = "status = 'OK'";
  stack = await aStackWithTraces(3, [
    aRule({ name: 'length', sampleRate: 0 }),
    aRule({ name: 'live', sampleRate: 0.4, filter }),
    aRule({ name: 'down', sampleRate: 1, paused: { reason: 'the key is wrong', since: 0, by: 'judge' } }),
    aRule({ name: 'mood', sampleRate: 0 }),
    aRule({ name: 'correct', sampleRate: 1 }),
  ]);
  stack.scorers = stack.scorers.map((scorer) => {
    const builtin = (builtin_scorer_class: string, isSession: boolean) =>
      JSON.stringify({
        name: scorer.name,
        builtin_scorer_class,
        builtin_scorer_pydantic_data: {},
        is_session_level_scorer: isSession,
      });
    if (scorer.name === 'mood') return { ...scorer, serialized: builtin('UserFrustration', true) };
    if (scorer.name !== 'correct') return scorer;
    const judge = { instructions: 'compare {{ outputs }} with {{ expectations }}', model: 'test:/model' };
    const serialized = JSON.stringify({ name: 'correct', instructions_judge_pydantic_data: judge });
    return { ...scorer, serialized };
  });
});

const length = { name: 'length', sampleRate: 1 };

describe('a request that is refused', () => {
  const now = Date.UTC(2026, 10, 21, 12);
  const refused: readonly (Partial<BackfillRequest> & { says: string })[] = [
    {
      scorers: [{ name: 'X' }],
      says: "Scheduled scorer 'X' not found in experiment '0'. Available scorers: ['length', 'live', 'down', 'mood', 'correct']",
    },
    { scorers: [{ ...length, version: 7 }], says: "Scheduled scorer 'length' version 7 not found in experiment '0'." },
    { scorers: [{ name: 'length' }], says: "scorer 'length' is not started, so it has no sampling rate of its own" },
    { scorers: [{ name: 'length', sampleRate: 1.1 }], says: "'length' must be between 0.0 and 1.0, got 1.1" },
    { scorers: [{ name: 'length', sampleRate: -0.1 }], says: 'must be between 0.0 and 1.0, got -0.1' },
    { scorers: [{ name: 'length', sampleRate: Number.NaN }], says: 'must be between 0.0 and 1.0, got NaN' },
    { scorers: [], says: 'scorers must name 1 to 20 scorers, got 0' },
    { scorers: [length, length], says: "scorers names 'length' twice" },
    {
      scorers: [{ name: 'down' }],
      says: "scorer 'down' is paused, because its judge cannot be asked: the key is wrong",
    },
    { scorers: [{ name: 'mood' }], says: "scorer 'mood' cannot be backfilled: it judges sessions" },
    { scorers: [{ name: 'correct' }], says: "scorer 'correct' cannot be backfilled: it requires expectations" },
    { scorers: [length], filter: 'status ~ 3', says: 'filter cannot be read: ' },
    { scorers: [length], startTime: now, endTime: now - 1, says: 'start_time must be before end_time' },
    { scorers: [length], startTime: now - 5, endTime: now - 5, says: 'start_time must be before end_time' },
    { scorers: [length], endTime: now + hour, says: '2026-11-21T13:00:00.000Z is in the future' },
    { scorers: [length], startTime: now + hour, says: '2026-11-21T13:00:00.000Z is in the future' },
    { scorers: [length], maxCostUsd: 0, says: 'max_cost_usd must be above 0, got 0' },
    { scorers: [length], maxConcurrency: 1.5, says: 'max_concurrency must be a whole number from 1 to 100, got 1.5' },
  ];

  it.each(refused)('says $says', async ({ says, ...request }) => {
    stack.nowMs = now;
    await expect(anExecution(stack).start(request)).rejects.toThrow(says);
    expect([...stack.backfills.backfills]).toEqual([]);
  });
});

describe('what is not said', () => {
  it('is the last seven days, the latest version, and the rate and the filter that the scorer has', async () => {
    const backfill = await anExecution(stack).start({ scorers: [{ name: 'live' }] });
    expect(backfill).toMatchObject({
      scorers: [{ name: 'live', version: 1, sampleRate: 0.4, filter: "status = 'OK'" }],
      from: backfill.to - 7 * 24 * hour,
      mode: 'missing',
      rulesVersion: 3,
    });
  });
});

describe('asking again', () => {
  it('with the same id gives the first one, whatever else is asked for', async () => {
    const first = await anExecution(stack).start({ scorers: [length] });
    const again = await anExecution(stack).start({ scorers: [{ name: 'live' }] });
    expect(again).toEqual(first);
    expect(stack.backfills.backfills.size).toBe(1);
  });

  it('for a range that overlaps is refused while the other one is under way, and not after it', async () => {
    const range = { startTime: stack.nowMs - 9 * hour, endTime: stack.nowMs - 5 * hour };
    const beforeRound = async () => {
      const overlapping = { ...range, startTime: range.endTime };
      await expect(
        anExecution(stack).start({ scorers: [length], ...overlapping, endTime: stack.nowMs }, 'b2'),
      ).rejects.toThrow(/backfill b1 runs scorer 'length' version 1 on .* which overlaps/);
      await anExecution(stack).start({ scorers: [{ name: 'live' }], ...range }, 'other-scorer');
      const before = { startTime: range.startTime - hour, endTime: range.startTime - 1 };
      await anExecution(stack).start({ scorers: [length], ...before }, 'other-range');
      await stack.drain();
    };
    expect(await anExecution(stack, { beforeRound }).start({ scorers: [length], ...range })).toMatchObject({
      state: 'finished',
    });
    expect(await anExecution(stack).start({ scorers: [length], ...range }, 'b3')).toMatchObject({ state: 'finished' });
  });

  it('for the range of a paused one is refused, of a cancelled one not; the cancelled one then cannot be resumed', async () => {
    const deps = anExecution(stack).concluding();
    const stop = { reason: 'by hand', deps };
    const ref = { experimentId: '0', backfillId: 'b1' };
    const paused = await anExecution(stack, { beforeRound: () => pauseBackfill(ref, stop) }).start({
      scorers: [length],
    });
    expect(paused.state).toBe('paused');
    await expect(anExecution(stack).start({ scorers: [length] }, 'b2')).rejects.toThrow('overlaps');
    await cancelBackfill(ref, stop);
    const beforeRound = async () => {
      await expect(resumeBackfill(ref, { deps })).rejects.toThrow('backfill b3 runs');
      await stack.drain();
    };
    const third = await anExecution(stack, { beforeRound }).start({ scorers: [length] }, 'b3');
    expect(third.state).toBe('finished');
    await expect(pauseBackfill({ ...ref, backfillId: 'b3' }, stop)).rejects.toThrow('is finished: it cannot be paused');
  });

  it('at the same moment lets one of two have the range', async () => {
    const both = ['b1', 'b2'].map((id) => anExecution(stack).start({ scorers: [length] }, id));
    const results = await Promise.allSettled(both);
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused).toMatchObject([{ reason: { code: 'RESOURCE_CONFLICT' } }]);
  });
});
