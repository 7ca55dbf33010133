import { createHash } from 'node:crypto';
import type { ScorerVersion } from '../scorer.ts';

/**
 * All that is true of a scorer's name: its latest version, and which of the earlier ones were deleted. It is kept as one item, so a
 * version is registered, or deleted, in one write or not at all.
 */
export interface ScorerHead {
  readonly experimentId: string;
  readonly name: string;
  readonly scorerId: string;
  /** Raised by every change; a writer names the one it read. */
  readonly revision: number;
  /** The highest version that there ever was: no number is given twice. */
  readonly highest: number;
  /** Versions up to this one were deleted together. */
  readonly deletedUpTo: number;
  /** Later ones that were deleted. */
  readonly deleted: readonly number[];
  /** Absent where every version was deleted. */
  readonly latest?: Pick<ScorerVersion, 'version' | 'serialized' | 'createdAt'>;
  /** The rules may not follow the latest version yet: whoever changed it may have died before. */
  readonly unfollowed?: true;
}

/** The latest version, if there is one. */
export function latestOf({ latest, ...head }: ScorerHead): ScorerVersion | undefined {
  if (latest === undefined) return undefined;
  const { experimentId, name, scorerId } = head;
  return { experimentId, name, scorerId, ...latest, ...(head.unfollowed && { unfollowed: true }) };
}

/** With the next version of the name. */
export function withVersion(
  head: ScorerHead | undefined,
  { experimentId, name, serialized, createdAt }: Omit<ScorerVersion, 'version' | 'scorerId'>,
): ScorerHead {
  const version = (head?.highest ?? 0) + 1;
  return {
    ...(head ?? { experimentId, name, scorerId: scorerIdOf(experimentId, name), deletedUpTo: 0, deleted: [] }),
    revision: (head?.revision ?? 0) + 1,
    highest: version,
    latest: { version, serialized, createdAt },
    unfollowed: true,
  };
}

/** Whether this is a registration that has been made already, by a request that did not come to its end. */
export function isRepeated(head: ScorerHead, { serialized }: Pick<ScorerVersion, 'serialized'>): boolean {
  return head.unfollowed === true && head.latest?.serialized === serialized;
}

/** Without one version; where it was the latest, the one before is. `kept` are the versions that there are. */
export function withoutVersion(head: ScorerHead, version: number, kept: readonly ScorerVersion[]): ScorerHead {
  if (head.latest?.version !== version)
    return { ...head, revision: head.revision + 1, deleted: [...head.deleted, version] };
  const before = kept.filter((other) => other.version < version).at(-1);
  if (before === undefined) return withoutVersions(head);
  const { serialized, createdAt } = before;
  return {
    ...head,
    revision: head.revision + 1,
    deleted: [...head.deleted, version],
    latest: { version: before.version, serialized, createdAt },
    unfollowed: true,
  };
}

/** Without any version. */
export function withoutVersions({ latest: _, unfollowed: __, ...head }: ScorerHead): ScorerHead {
  return { ...head, revision: head.revision + 1, deletedUpTo: head.highest, deleted: [] };
}

/** Known to be followed by the rules. */
export function asFollowed({ unfollowed: _, ...head }: ScorerHead): ScorerHead {
  return { ...head, revision: head.revision + 1 };
}

/** Whether there was such a version before the latest, and it was not deleted. */
export function isEarlier(head: ScorerHead, version: number): boolean {
  if (head.latest === undefined || version >= head.latest.version) return false;
  return version > head.deletedUpTo && !head.deleted.includes(version);
}

/**
 * A UUID (version 8, RFC 9562) that follows from the name: stable over its versions, over deletion and new registration, and over
 * two who register the name first at the same time.
 */
function scorerIdOf(experimentId: string, name: string): string {
  const hash = createHash('sha256').update(`assay/scorer/v1\0${experimentId}\0${name}`).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
