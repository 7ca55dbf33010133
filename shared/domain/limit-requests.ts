import type { Clock, RequestCounts } from './ports.ts';

export interface RequestLimit {
  /** Of the key that it is a limit of. */
  readonly keyHash: string;
  readonly perSecond: number;
}

/** What this instance may still spend of a key's requests in one second. */
interface Lease {
  readonly second: number;
  left: number;
  used: number;
  /** Nothing more can be taken in this second. */
  isExhausted: boolean;
}

/** Of a limit in one step: one write for twenty requests at most, and little that one instance holds and another lacks. */
const largestShare = 1 / 20;
/** Keys with a limit that an instance sees; more than any deployment has. */
const maxRemembered = 10_000;

/**
 * Whether a key may make one more request in this second of the clock: never more than its limit over all instances. An instance
 * takes requests ahead, as many as it has already used and at most a twentieth of the limit, and spends them from memory. What is
 * taken and not used is therefore no more than what was used: nobody is refused before half the limit has been served.
 */
export function requestLimiter({
  counts,
  now,
}: {
  counts: RequestCounts;
  now: Clock;
}): (limit: RequestLimit) => Promise<boolean> {
  const leases = new Map<string, Lease>();

  function leaseOf(keyHash: string): Lease {
    const second = Math.floor(now() / 1000);
    const known = leases.get(keyHash);
    if (known?.second === second) return known;
    if (leases.size >= maxRemembered) leases.clear();
    const lease: Lease = { second, left: 0, used: 0, isExhausted: false };
    leases.set(keyHash, lease);
    return lease;
  }

  async function extend(lease: Lease, { keyHash, perSecond }: RequestLimit): Promise<void> {
    const wanted = Math.max(1, Math.min(lease.used, Math.floor(perSecond * largestShare)));
    const before = await counts.add({ keyHash, second: lease.second, requests: wanted });
    lease.left += Math.max(0, Math.min(wanted, perSecond - before));
    lease.isExhausted ||= before + wanted >= perSecond;
  }

  return async (limit) => {
    const lease = leaseOf(limit.keyHash);
    if (lease.left === 0 && !lease.isExhausted) await extend(lease, limit);
    if (lease.left === 0) return false;
    lease.left--;
    lease.used++;
    return true;
  };
}
