import { ApiError } from '../api-error.ts';
import { untilWritten } from '../until-written.ts';
import { type Backfill, isUnderWay } from './backfill.ts';
import type { BackfillClaim, BackfillStore, ClaimBook, ClaimStore } from './ports.ts';

type Claiming = Pick<BackfillStore, 'get'> & ClaimStore;

/**
 * Claims a backfill's range for its scorer versions. Claiming again changes nothing. A claim whose backfill has ended without releasing
 * it, because it died, is no hindrance.
 * @throws ApiError where another backfill of one of the versions overlaps
 */
export async function claimRange(backfill: Backfill, backfills: Claiming): Promise<void> {
  const { backfillId, from, to, scorers } = backfill;
  if (backfill.onDemand === 'named') return;
  const claim: BackfillClaim = {
    backfillId,
    from,
    to,
    scorers: scorers.map(({ name, version }) => ({ name, version })),
  };
  await changeClaims(backfill.experimentId, {
    backfills,
    change: async (book) => {
      await requireFree(claim, { book, backfills });
      return [...book.claims.filter((other) => other.backfillId !== backfillId), claim];
    },
  });
}

/** Ends the claim; one that is not there stays so. */
export async function releaseRange(
  { experimentId, backfillId }: Pick<Backfill, 'experimentId' | 'backfillId'>,
  backfills: ClaimStore,
): Promise<void> {
  await changeClaims(experimentId, {
    backfills,
    change: async ({ claims }) => {
      const left = claims.filter((claim) => claim.backfillId !== backfillId);
      return left.length === claims.length ? claims : left;
    },
  });
}

/** @throws ApiError where another backfill of one of the versions overlaps */
export async function requireFree(
  claim: BackfillClaim,
  { book, backfills }: { book: ClaimBook; backfills: Pick<BackfillStore, 'get'> },
): Promise<void> {
  for (const other of book.claims) {
    const shared = sharedScorer(claim, other);
    if (shared === undefined || !(await isHeld(other, { experimentId: book.experimentId, backfills }))) continue;
    const range = `${new Date(other.from).toISOString()} to ${new Date(other.to).toISOString()}`;
    throw new ApiError(
      'RESOURCE_CONFLICT',
      `backfill ${other.backfillId} runs scorer '${shared.name}' version ${shared.version} on ${range}, which overlaps: ` +
        'wait for it, cancel it, or choose another range',
    );
  }
}

function sharedScorer(claim: BackfillClaim, other: BackfillClaim) {
  if (other.backfillId === claim.backfillId || other.to < claim.from || other.from > claim.to) return undefined;
  return claim.scorers.find(({ name, version }) =>
    other.scorers.some((theirs) => theirs.name === name && theirs.version === version),
  );
}

async function isHeld(
  { backfillId }: BackfillClaim,
  { experimentId, backfills }: { experimentId: string; backfills: Pick<BackfillStore, 'get'> },
): Promise<boolean> {
  const holder = await backfills.get({ experimentId, backfillId });
  return holder !== undefined && (isUnderWay(holder) || holder.state === 'paused');
}

async function changeClaims(
  experimentId: string,
  { backfills, change }: { backfills: ClaimStore; change: (book: ClaimBook) => Promise<ClaimBook['claims']> },
): Promise<void> {
  await untilWritten(`the backfills of experiment ${experimentId} are`, async () => {
    const book = await backfills.readClaims(experimentId);
    const claims = await change(book);
    if (claims === book.claims) return claims;
    const isWritten = await backfills.replaceClaims({ experimentId, revision: book.revision + 1, claims });
    return isWritten ? claims : undefined;
  });
}
