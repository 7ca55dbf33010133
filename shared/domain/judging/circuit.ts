/** Whether a model is called, as far as calls before tell. Epoch ms; 0: never. */
export interface Circuit {
  /** Failures since the last answer. */
  readonly failures: number;
  /** How often it has opened since the last answer. */
  readonly openings: number;
  /** No calls before; 0: closed. */
  readonly openUntil: number;
  /** One call is trying whether the model is back; if nothing is heard of it, another may try afterwards. */
  readonly probingUntil: number;
}

export const closed: Circuit = { failures: 0, openings: 0, openUntil: 0, probingUntil: 0 };

export type CircuitDecision =
  | { readonly kind: 'call' }
  | { readonly kind: 'probe' }
  | { readonly kind: 'wait'; readonly until: number };

/** In a row: an overloaded model fails now and then, a dead one always. */
const failuresToOpen = 5;
const [shortestMs, longestMs] = [10_000, 300_000];
/** A probe that is not heard of for so long has died. */
export const probeMs = 90_000;

/** After the time is over, one call tries; all others wait for what becomes of it. */
export function decideCall({ openUntil, probingUntil }: Circuit, now: number): CircuitDecision {
  if (openUntil === 0) return { kind: 'call' };
  const until = Math.max(openUntil, probingUntil);
  return now < until ? { kind: 'wait', until } : { kind: 'probe' };
}

/** `chance`: 0 to 1, so that instances do not return at the same moment. */
export function afterFailure(
  circuit: Circuit,
  {
    now,
    isProbe,
    retryAfterMs = 0,
    chance,
  }: { now: number; isProbe: boolean; retryAfterMs?: number | undefined; chance: number },
): Circuit {
  // Calls that were under way when it opened tell nothing new.
  if (circuit.openUntil > 0 && !isProbe) return circuit;
  const failures = circuit.failures + 1;
  if (failures < failuresToOpen && !isProbe) return { ...circuit, failures };
  const openings = circuit.openings + 1;
  const waitMs = Math.min(longestMs, shortestMs * 2 ** (openings - 1)) * (1 + chance / 5);
  return { failures, openings, openUntil: now + Math.ceil(Math.max(waitMs, retryAfterMs)), probingUntil: 0 };
}

/** What an instance goes by that has looked at what all know; undefined: nothing, or no longer. */
export function joined(own: Circuit, others: Circuit | undefined): Circuit {
  if (others) return { ...others, failures: own.failures };
  return own.openUntil > 0 ? closed : own;
}

/** How many calls a model takes at once, found out by trying: additive increase, multiplicative decrease. */
export interface Concurrency {
  readonly limit: number;
  readonly decreasedAt: number;
}

export function afterThrottled(
  concurrency: Concurrency,
  { startedAt, now }: { startedAt: number; now: number },
): Concurrency {
  // A call from before the last decrease was throttled for the same reason.
  if (startedAt < concurrency.decreasedAt) return concurrency;
  return { limit: Math.max(1, Math.floor(concurrency.limit / 2)), decreasedAt: now };
}

/** One more for each round of as many answers as there were calls. */
export function afterAnswer({ limit, decreasedAt }: Concurrency, most: number): Concurrency {
  return { limit: Math.min(most, limit + 1 / limit), decreasedAt };
}
