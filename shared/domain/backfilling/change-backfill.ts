import { ApiError } from '../api-error.ts';
import type { Clock } from '../ports.ts';
import { untilWritten } from '../until-written.ts';
import { type Backfill, type BackfillRef, isOver, isUnderWay } from './backfill.ts';
import { claimRange, releaseRange } from './claims.ts';
import type { BackfillStore, ClaimStore } from './ports.ts';

export interface ChangeBackfillDeps {
  readonly backfills: BackfillStore & ClaimStore;
  readonly now: Clock;
}

/**
 * Changes a backfill on top of whatever another writer made of it meanwhile; one that `change` gives back as it is is not written.
 * Answers it as it is afterwards. Throws ApiError where there is none.
 */
export async function changeBackfill(
  ref: BackfillRef,
  {
    change,
    backfills,
  }: { change: (backfill: Backfill) => Backfill; backfills: Pick<BackfillStore, 'get' | 'replace'> },
): Promise<Backfill> {
  return untilWritten(`backfill ${ref.backfillId} is`, async () => {
    const current = await existingBackfill(ref, backfills);
    const next = change(current);
    if (next === current) return current;
    const changed = { ...next, revision: current.revision + 1 };
    return (await backfills.replace(changed)) ? changed : undefined;
  });
}

export async function existingBackfill(ref: BackfillRef, backfills: Pick<BackfillStore, 'get'>): Promise<Backfill> {
  const backfill = await backfills.get(ref);
  if (backfill) return backfill;
  const { backfillId, experimentId } = ref;
  throw new ApiError('RESOURCE_DOES_NOT_EXIST', `Backfill '${backfillId}' not found in experiment '${experimentId}'`);
}

/** Stops a backfill that is under way; it keeps its range. What is paused already stays so. Throws ApiError. */
export function pauseBackfill(
  ref: BackfillRef,
  { reason, deps }: { reason: string; deps: ChangeBackfillDeps },
): Promise<Backfill> {
  return changeBackfill(ref, {
    backfills: deps.backfills,
    change: (backfill) => {
      if (backfill.state === 'paused') return backfill;
      if (!isUnderWay(backfill)) throw cannot('paused', backfill);
      return { ...backfill, state: 'paused', stateAt: deps.now(), reason };
    },
  });
}

/** Stops a backfill for good; others may have its range. What is cancelled already stays so. Throws ApiError. */
export async function cancelBackfill(
  ref: BackfillRef,
  { reason, deps }: { reason: string; deps: ChangeBackfillDeps },
): Promise<Backfill> {
  const cancelled = await changeBackfill(ref, {
    backfills: deps.backfills,
    change: (backfill) => {
      if (backfill.state === 'cancelled') return backfill;
      if (isOver(backfill)) throw cannot('cancelled', backfill);
      return { ...backfill, state: 'cancelled', stateAt: deps.now(), reason };
    },
  });
  await releaseRange(cancelled, deps.backfills);
  return cancelled;
}

/**
 * Has a backfill go on where it was stopped, or where its execution died: the caller starts an execution of the attempt that it is
 * answered. Throws ApiError, also where another one has its range meanwhile.
 */
export async function resumeBackfill(
  ref: BackfillRef,
  { maxCostUsd, deps }: { maxCostUsd?: number | undefined; deps: ChangeBackfillDeps },
): Promise<Backfill> {
  const before = await existingBackfill(ref, deps.backfills);
  if (isOver(before)) throw cannot('resumed', before);
  await claimRange(before, deps.backfills);
  return changeBackfill(ref, {
    backfills: deps.backfills,
    change: (backfill) => {
      if (isOver(backfill)) throw cannot('resumed', backfill);
      const { reason: _, lastProgress: __, ...rest } = backfill;
      const state = backfill.plan ? 'running' : 'planning';
      const cost = maxCostUsd === undefined ? {} : { maxCostUsd };
      return { ...rest, ...cost, state, stateAt: deps.now(), attempt: backfill.attempt + 1 };
    },
  });
}

/** Ends a backfill of which everything has an outcome. Stopped or resumed meanwhile it stays so. */
export function finishBackfill(
  backfill: Backfill,
  { counts, deps }: { counts: NonNullable<Backfill['counts']>; deps: ChangeBackfillDeps },
): Promise<Backfill> {
  return changeBackfill(backfill, {
    backfills: deps.backfills,
    change: (current) =>
      current.state === 'running' && current.attempt === backfill.attempt
        ? { ...current, state: 'finished', stateAt: deps.now(), counts }
        : current,
  });
}

/** Ends a backfill whose execution cannot go on; it can be resumed. What is stopped or over already stays so. */
export async function failBackfill(
  ref: BackfillRef & Pick<Backfill, 'attempt'>,
  { reason, deps }: { reason: string; deps: ChangeBackfillDeps },
): Promise<Backfill | undefined> {
  if (!(await deps.backfills.get(ref))) return undefined;
  const failed = await changeBackfill(ref, {
    backfills: deps.backfills,
    change: (backfill) => {
      if (backfill.attempt !== ref.attempt || !isUnderWay(backfill)) return backfill;
      return { ...backfill, state: 'failed', stateAt: deps.now(), reason };
    },
  });
  if (failed.state === 'failed') await releaseRange(failed, deps.backfills);
  return failed;
}

function cannot(what: string, { backfillId, state }: Backfill): ApiError {
  return new ApiError('RESOURCE_CONFLICT', `backfill ${backfillId} is ${state}: it cannot be ${what}`);
}
