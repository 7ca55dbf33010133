import { createHash } from 'node:crypto';
import type { Backfill, BackfillRef } from './backfill.ts';
import { resumeBackfill } from './change-backfill.ts';
import { askForBackfill } from './plan-backfill.ts';
import type { BackfillExecutions, BackfillStore, ClaimStore } from './ports.ts';
import type { BackfillRequest, ResolveDeps } from './request.ts';

export interface StartBackfillDeps extends ResolveDeps {
  readonly backfills: BackfillStore & ClaimStore;
  readonly executions: BackfillExecutions;
  readonly newId: () => string;
}

/**
 * Starts a backfill: whatever can be refused is refused now. The same idempotency key gives the one that it was given with first, and
 * starts it where whoever asked died before that. Throws ApiError.
 */
export async function startBackfill(
  request: BackfillRequest,
  { idempotencyKey, deps }: { idempotencyKey?: string | undefined; deps: StartBackfillDeps },
): Promise<Backfill> {
  const { experimentId } = request;
  const backfillId = idOf('backfill', { experimentId, idempotencyKey, newId: deps.newId });
  const backfill = await askForBackfill(request, { backfillId, deps });
  if (backfill.state === 'planning') await deps.executions.start(backfill);
  return backfill;
}

/** Has a backfill go on, by an execution of its own. Throws ApiError. */
export async function restartBackfill(
  ref: BackfillRef,
  {
    maxCostUsd,
    deps,
  }: { maxCostUsd?: number | undefined; deps: Pick<StartBackfillDeps, 'backfills' | 'executions' | 'now'> },
): Promise<Backfill> {
  const resumed = await resumeBackfill(ref, { maxCostUsd, deps });
  await deps.executions.start(resumed);
  return resumed;
}

/** The same key gives the same id. */
export function idOf(
  kind: 'backfill' | 'run',
  {
    experimentId,
    idempotencyKey,
    newId,
  }: { experimentId: string; idempotencyKey: string | undefined; newId: () => string },
): string {
  return `${kind}-${idempotencyKey === undefined ? newId() : hashOf(`${experimentId}\0${idempotencyKey}`)}`;
}

/** An execution's name has at most 80 characters, of few kinds. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
