import { ApiError } from '../api-error.ts';
import type { Clock } from '../ports.ts';
import type { ArchivedPart, Backfill, BackfillScorer } from './backfill.ts';
import { changeBackfill } from './change-backfill.ts';
import { claimRange } from './claims.ts';
import type { BackfillStore, ClaimStore } from './ports.ts';

/** Request times of an experiment's traces, epoch ms, inclusive. */
export interface ArchiveRange {
  readonly experimentId: string;
  readonly from: number;
  readonly to: number;
}

/** Which rows of the archive are unloaded. */
export interface ArchiveRows {
  /** Days on which rows of the traces were archived, yyyy-mm-dd. */
  readonly rows: { readonly firstDay: string; readonly lastDay: string };
  readonly scorers: readonly BackfillScorer[];
  /** So many parts of about the same size, each with all rows of its traces. */
  readonly buckets: number;
}

/** Questions to the archive, for whoever runs them. */
export interface ArchiveQueries {
  /** Counts; answered by one row. */
  survey(range: ArchiveRange, backfill: Pick<Backfill, 'scorers' | 'mode'>): string;
  /** Writes the traces that a scorer samples to `location`, `s3://…/`, which must be empty. */
  unload(range: ArchiveRange, options: ArchiveRows & { readonly location: string }): string;
}

/** What the survey answered. */
export type Survey = Pick<ArchivedPart, 'found' | 'notSampled' | 'spans' | 'open'> & {
  readonly rows?: ArchiveRows['rows'];
};

export interface ArchivedPartDeps {
  readonly backfills: BackfillStore & ClaimStore;
  readonly archive: ArchiveQueries;
  /** `s3://…/` under which what is unloaded for a backfill may lie. */
  readonly locationOf: (backfillId: string) => string;
  /** Of the trace store. */
  readonly retentionDays: number;
  readonly now: Clock;
}

/** How far the execution is with the archive. */
export interface ArchiveProgress {
  readonly survey?: Survey | undefined;
  /** What was unloaded has been restored. */
  readonly restored: boolean;
  /** Tries to unload before this one: each writes to a place of its own. */
  readonly tries: number;
}

/** What comes before the slices are cut: a question to the archive, or nothing any more. */
export type ArchiveStep =
  | { readonly next: 'survey'; readonly query: string }
  | { readonly next: 'restore'; readonly query: string; readonly buckets: number }
  | { readonly next: 'plan'; readonly backfill: Backfill };

const dayMs = 86_400_000;
/** A trace expires a retention after it arrived, and arrives when it was requested, or later. Clocks differ, and backfills take time. */
const marginMs = dayMs;
/** UNLOAD writes to a hundred partitions at most (Athena user guide, "UNLOAD"). */
const maxBuckets = 100;
/** Held in memory by the function that restores them: about 4 KB each. */
const spansPerBucket = 20_000;
/** Of the buckets when there are a hundred. */
const mostSpansPerBucket = 100_000;
const maxSpans = maxBuckets * mostSpansPerBucket;

/** What of a range the trace store may hold no more; undefined where it holds it all. */
export function archivedRange(
  { experimentId, from, to, createdAt }: Backfill,
  retentionDays: number,
): ArchiveRange | undefined {
  const retentionMs = retentionDays * dayMs;
  const before = createdAt - retentionMs + Math.min(marginMs, retentionMs / 2);
  return from < before ? { experimentId, from, to: Math.min(to, before - 1) } : undefined;
}

/**
 * What has to be done in the archive before a backfill that was asked for can be planned: count, then restore what its scorers sample. A
 * dry run only counts. Follows from what is kept of the backfill, so that whoever repeats it goes on where the first died.
 * @throws ApiError where another backfill has the range, or there is too much to restore
 */
export async function archiveStep(
  asked: Backfill,
  { progress, deps }: { progress: ArchiveProgress; deps: ArchivedPartDeps },
): Promise<ArchiveStep> {
  const range = asked.state === 'planning' ? archivedRange(asked, deps.retentionDays) : undefined;
  if (range === undefined) return { next: 'plan', backfill: asked };
  if (!asked.dryRun) await claimRange(asked, deps.backfills);
  const { survey } = progress;
  if (asked.archived === undefined && survey === undefined)
    return { next: 'survey', query: deps.archive.survey(range, asked) };
  const surveyed = await noted(asked, {
    change: ({ archived }) => archived ?? (survey && { ...survey, from: range.from, to: range.to }),
    deps,
  });
  const { archived } = surveyed;
  if (archived?.rows === undefined || asked.dryRun || archived.restoredAt !== undefined)
    return { next: 'plan', backfill: surveyed };
  requireRestorable(archived);
  if (progress.restored) {
    const change = () => ({ ...archived, restoredAt: deps.now() });
    return { next: 'plan', backfill: await noted(surveyed, { change, deps }) };
  }
  const buckets = Math.min(maxBuckets, Math.ceil(archived.spans / spansPerBucket) || 1);
  const location = `${deps.locationOf(asked.backfillId)}${asked.attempt}-${progress.tries}/`;
  const options = { rows: archived.rows, scorers: asked.scorers, buckets, location };
  return { next: 'restore', query: deps.archive.unload(range, options), buckets };
}

function noted(
  asked: Backfill,
  { change, deps }: { change: (backfill: Backfill) => ArchivedPart | undefined; deps: ArchivedPartDeps },
): Promise<Backfill> {
  return changeBackfill(asked, {
    backfills: deps.backfills,
    change: (backfill) => {
      const archived = change(backfill);
      return archived === backfill.archived || archived === undefined ? backfill : { ...backfill, archived };
    },
  });
}

function requireRestorable({ spans }: ArchivedPart): void {
  if (spans <= maxSpans) return;
  const text = (count: number) => count.toLocaleString('en');
  throw new ApiError(
    'INVALID_PARAMETER_VALUE',
    `the traces that lie in the archive have ${text(spans)} spans, at most ${text(maxSpans)} can be restored at once: ` +
      'split the range into several backfills, or lower the sample_rate',
  );
}
