import { describe, expect, it } from 'vitest';
import { createHandler as createConclude } from '../../../../functions/conclude-backfill/create-handler.ts';
import { createHandler as createEnqueue } from '../../../../functions/enqueue-backfill-slice/create-handler.ts';
import { createHandler as createPlan } from '../../../../functions/plan-backfill/create-handler.ts';
import { createHandler as createReconcile } from '../../../../functions/reconcile-backfill-slice/create-handler.ts';
import { createHandler as createRestore } from '../../../../functions/restore-traces/create-handler.ts';
import { backfillInput, toBackfillRequest } from '../../../../shared/contracts/backfill-input.ts';
import { encodeTracesData } from '../../../../shared/contracts/otlp/encode-spans.ts';
import { pauseBackfill } from '../../../../shared/domain/backfilling/change-backfill.ts';
import { askForBackfill } from '../../../../shared/domain/backfilling/plan-backfill.ts';
import { samplingCoordinate } from '../../../../shared/domain/sampling.ts';
import { BackfillExecution } from '../../../support/in-memory/backfill-execution.ts';
import { aStackWithTraces, judgedBy } from '../../domain/backfilling/support.ts';
import { aRule } from '../../indexing/support.ts';

/** The functions that the state machine calls, with what it gives them. */
async function someHandlers(traces: number, liveRate = 0) {
  const stack = await aStackWithTraces(traces, [aRule({ sampleRate: liveRate })]);
  const execution = new BackfillExecution(stack);
  const working = execution.working();
  return {
    stack,
    execution,
    plan: createPlan(execution.planning()),
    enqueue: createEnqueue(working),
    reconcile: createReconcile(working),
    conclude: createConclude(execution.concluding()),
  };
}

it('restores a part of what was unloaded, unless the backfill was stopped meanwhile', async () => {
  const { stack, execution, plan } = await someHandlers(1);
  let reads = 0;
  const restore = createRestore({
    ...execution.working(),
    backfills: stack.backfills.store,
    archived: {
      read: async () => {
        reads++;
        return [];
      },
    },
    remover: stack.index.remover,
    segments: { put: async () => {} },
    restored: { add: async () => {} },
    encode: encodeTracesData,
    retentionDays: 30,
  });
  const task = { experimentId: '0', backfillId: 'old', attempt: 1, manifest: 's3://b/m.csv', bucket: 0 };
  await askForBackfill(
    { ...toBackfillRequest(backfillInput.parse(input)) },
    { backfillId: 'old', deps: execution.planning() },
  );
  expect([await restore(task), reads]).toEqual([{ restored: 0 }, 1]);
  await restore({ ...task, attempt: 2 });
  await pauseBackfill(task, { reason: 'by hand', deps: execution.concluding() });
  await restore(task);
  expect(reads).toBe(1);
  await expect(restore({ ...task, manifest: 'nowhere' })).rejects.toThrow(/manifest/);
  expect(await plan({ execution: 'old', input })).toMatchObject({ state: 'paused' });
});

const input = {
  experiment_id: '0',
  scorers: [{ name: 'length', sample_rate: 1 }],
  start_time: '2026-01-01T00:00:00.000Z',
};

describe('the functions of a backfill', () => {
  it('take what the state machine gives them, from the plan to the end', async () => {
    const { stack, plan, enqueue, reconcile, conclude } = await someHandlers(12);
    const planned = await plan({ execution: 'june', input });
    expect(planned).toMatchObject({
      state: 'running',
      experimentId: '0',
      backfillId: 'june',
      attempt: 1,
      maxConcurrency: 10,
    });
    if (!('slicesKey' in planned)) return expect.fail('it was planned');
    const Items = stack.backfills.files.get(planned.slicesKey) ?? [];
    expect(Items).toHaveLength(planned.slices);
    const ref = { experimentId: '0', backfillId: 'june', attempt: 1 };
    const batch = JSON.parse(JSON.stringify({ BatchInput: ref, Items }));
    expect(await enqueue(batch)).toEqual({ slices: Items.length });
    expect(await conclude({ ...ref, round: 0 })).toEqual({ next: 'wait', seconds: 10 });
    await stack.drain();
    expect(await reconcile(batch)).toEqual({ slices: Items.length });
    expect(await conclude({ ...ref, round: 1 })).toEqual({ next: 'end', state: 'finished' });
  });

  it('have exactly the traces from the rate of live scoring up to their own judged, as if that had been higher', async () => {
    const { stack, plan, enqueue, reconcile, conclude } = await someHandlers(60, 0.5);
    const between = (from: number, to: number) =>
      [...stack.index.entries.keys()].filter((id) => samplingCoordinate(id) >= from && samplingCoordinate(id) < to);
    expect(judgedBy(stack, 'length')).toEqual(between(0, 0.5).toSorted());
    const planned = await plan({
      execution: 'b1',
      input: { ...input, scorers: [{ name: 'length', sample_rate: 0.8 }] },
    });
    if (!('slicesKey' in planned)) return expect.fail('it was planned');
    const ref = { experimentId: '0', backfillId: 'b1', attempt: 1 };
    const batch = { BatchInput: ref, Items: stack.backfills.files.get(planned.slicesKey) ?? [] };
    await enqueue(batch);
    expect(stack.requested.map(({ traceId }) => traceId).toSorted()).toEqual(between(0.5, 0.8).toSorted());
    await stack.drain();
    await reconcile(batch);
    expect(await conclude({ ...ref, round: 0 })).toEqual({ next: 'end', state: 'finished' });
    expect(judgedBy(stack, 'length')).toEqual(between(0, 0.8).toSorted());
    const [counts] = stack.backfills.backfills.get('0/b1')?.counts ?? [];
    const [alreadyDone, judged] = [between(0, 0.5).length, between(0.5, 0.8).length];
    expect([alreadyDone, judged].every((count) => count > 5)).toBe(true);
    expect(counts).toMatchObject({ found: 60, alreadyDone, judged, notSampled: 60 - alreadyDone - judged });
  });

  it('answer what is refused: repeating it would not help', async () => {
    const { stack, plan } = await someHandlers(1);
    const refused = (given: object) => plan({ execution: 'x', input: { ...input, ...given } });
    expect(await refused({ scorers: [{ name: 'X' }] })).toEqual({
      state: 'refused',
      code: 'RESOURCE_DOES_NOT_EXIST',
      message: "Scheduled scorer 'X' not found in experiment '0'. Available scorers: ['length']",
    });
    expect(await refused({ start_time: 'yesterday' })).toMatchObject({
      state: 'refused',
      code: 'INVALID_PARAMETER_VALUE',
      message: 'input.start_time: expected a time with a zone, such as 2026-06-01T00:00:00Z, or epoch ms',
    });
    expect(await refused({ sample_rate: 1 })).toMatchObject({
      message: expect.stringContaining('input: unknown: sample_rate; expected some of experiment_id, scorers'),
    });
    expect(await plan({ execution: 'x', input: { experiment_id: '0', backfill_id: 'none' } })).toMatchObject({
      code: 'RESOURCE_DOES_NOT_EXIST',
    });
    expect(stack.backfills.backfills.size).toBe(0);
  });

  it('begin one that another state machine asks for, which Step Functions notes in the input', async () => {
    const { plan } = await someHandlers(1);
    const noted = { ...input, AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: 'arn:aws:states:…' };
    expect(await plan({ execution: 'nightly', input: noted })).toMatchObject({
      state: 'running',
      backfillId: 'nightly',
    });
  });

  it('stop between two slices when the backfill is paused or another attempt has begun', async () => {
    const { stack, execution, plan, enqueue } = await someHandlers(30);
    const planned = await plan({ execution: 'b1', input });
    if (!('slicesKey' in planned)) return expect.fail('it was planned');
    const Items = stack.backfills.files.get(planned.slicesKey) ?? [];
    const ref = { experimentId: '0', backfillId: 'b1', attempt: 1 };
    expect(await enqueue({ BatchInput: { ...ref, attempt: 2 }, Items })).toEqual({ slices: 0 });
    expect(await enqueue({ BatchInput: ref, Items: Items.slice(0, 2) })).toEqual({ slices: 2 });
    await pauseBackfill(ref, { reason: 'by hand', deps: execution.concluding() });
    expect(await enqueue({ BatchInput: ref, Items })).toEqual({ slices: 0 });
    const again = { experiment_id: '0', backfill_id: 'b1' };
    expect(await plan({ execution: 'x', input: again })).toMatchObject({ state: 'paused', attempt: 1 });
    const resumed = await plan({ execution: 'x', input: { ...again, resume: true, max_cost_usd: 5 } });
    expect(resumed).toEqual({ ...planned, attempt: 2 });
    expect(stack.backfills.backfills.get('0/b1')?.maxCostUsd).toBe(5);
    expect(await enqueue({ BatchInput: { ...ref, attempt: 2 }, Items })).toEqual({ slices: Items.length });
  });

  it('note that an execution could not go on, and let others have the range', async () => {
    const { stack, plan, conclude } = await someHandlers(5);
    await plan({ execution: 'b1', input });
    const failure = 'States.TaskFailed: no such table';
    const ref = { experimentId: '0', backfillId: 'b1', attempt: 1 };
    expect(await conclude({ ...ref, round: 0, failure })).toEqual({ next: 'end', state: 'failed' });
    expect(stack.backfills.backfills.get('0/b1')).toMatchObject({ state: 'failed', reason: failure });
    expect(await plan({ execution: 'b2', input })).toMatchObject({ state: 'running' });
    expect(await conclude({ ...ref, backfillId: 'never-stored', round: 0, failure })).toEqual({
      next: 'end',
      state: 'failed',
    });
  });
});
