import type { Backfill, SliceProgress } from '../domain/backfilling/backfill.ts';
import type { ClaimBook, Coverage } from '../domain/backfilling/ports.ts';
import { experimentKey } from './registry-items.ts';
import { expiresAt } from './trace-item.ts';

const formatVersion = 1;

type Item = Record<string, unknown>;

export const backfillPrefix = 'backfill#';

/** A backfill is an item of its experiment in the registry. */
export function backfillKey({ experimentId, backfillId }: Pick<Backfill, 'experimentId' | 'backfillId'>) {
  return { pk: experimentKey(experimentId), sk: `${backfillPrefix}${backfillId}` };
}

/** What was asked on demand is of interest for a while; what was decided about its slices goes then, too. */
const runDays = 90;

/** A backfill says what estimates rest on, and stays. */
export function toBackfillItem(backfill: Backfill): Item {
  const { experimentId: _, backfillId: __, ...rest } = backfill;
  const expiry = backfill.onDemand ? { expiresAt: expiresAt(backfill.stateAt, runDays) } : {};
  return { ...backfillKey(backfill), v: formatVersion, ...rest, ...expiry };
}

export function fromBackfillItem(item: Item): Backfill {
  const { pk, sk, v: _, expiresAt: __, ...rest } = checked(item);
  const experimentId = String(pk).slice('experiment#'.length);
  return { experimentId, backfillId: String(sk).slice(backfillPrefix.length), ...rest } as unknown as Backfill;
}

/** Which backfills have which ranges: one item of the experiment. */
export function claimsKey(experimentId: string) {
  return { pk: experimentKey(experimentId), sk: 'backfill-claims' };
}

export function toClaimsItem({ experimentId, revision, claims }: ClaimBook): Item {
  return { ...claimsKey(experimentId), v: formatVersion, revision, claims };
}

export function fromClaimsItem(experimentId: string, item: Item | undefined): ClaimBook {
  if (item === undefined) return { experimentId, revision: 0, claims: [] };
  const { revision, claims } = checked(item);
  return { experimentId, revision, claims } as ClaimBook;
}

/** Beside the scorers of its experiment. `\0` cannot be in a name. */
export function toCoverageItem({ experimentId, ...coverage }: Coverage): Item {
  const { name, version, backfillId } = coverage;
  const sk = `coverage#${name}\0${String(version).padStart(10, '0')}\0${backfillId}`;
  return { pk: experimentKey(experimentId), sk, v: formatVersion, ...coverage };
}

const slicePrefix = 'slice#';

/** How far a slice is: an item of the traces table, where work in progress expires. */
export function sliceKey(backfillId: string, sliceId: number) {
  return { pk: slicesKey(backfillId), sk: `${slicePrefix}${String(sliceId).padStart(7, '0')}` };
}

export function slicesKey(backfillId: string): string {
  return `backfill#${backfillId}`;
}

export function toSliceItem(
  backfillId: string,
  progress: SliceProgress,
  { retentionDays, now }: { retentionDays: number; now: number },
): Item {
  const { sliceId, ...rest } = progress;
  return { ...sliceKey(backfillId, sliceId), v: formatVersion, ...rest, expiresAt: expiresAt(now, retentionDays) };
}

export function fromSliceItem(item: Item): SliceProgress {
  const { pk: _, sk, v: __, expiresAt: ___, ...rest } = checked(item);
  return { sliceId: Number(String(sk).slice(slicePrefix.length)), ...rest } as unknown as SliceProgress;
}

function checked(item: Item): Item {
  if (item.v === formatVersion) return item;
  throw new Error(`backfill item ${String(item.pk)} of format ${String(item.v)}, expected ${formatVersion}`);
}
