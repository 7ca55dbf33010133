/** A scorer that cannot run until someone changes something, as its rule remembers it. Epoch ms. */
export interface Pause {
  readonly reason: string;
  readonly since: number;
  /** How often it has been tried out without finding it mended. */
  readonly probes: number;
  readonly lastProbeAt: number;
}

export type ProbeDecision = { readonly kind: 'probe' } | { readonly kind: 'wait'; readonly until: number };

/** How trying a paused scorer on one trace ended. */
export type ProbeOutcome =
  /** Judged; or failed by what the trace or the answer was, which a model that is out of reach cannot. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'misconfigured'; readonly reason: string }
  /** Down, throttled or held by a budget: says nothing of what it was paused for. */
  | { readonly kind: 'undecided'; readonly until?: number };

const minuteMs = 60_000;
const longestMs = 60 * minuteMs;

/** After 1, 2, 4 … minutes, then every hour; at once where what it was paused for may have been changed: a key, a model, a version. */
export function decideProbe(
  { probes, lastProbeAt }: Pause,
  { now, changedAt = 0 }: { now: number; changedAt?: number },
): ProbeDecision {
  const until = lastProbeAt + Math.min(longestMs, minuteMs * 2 ** Math.min(probes, 10));
  return changedAt > lastProbeAt || now >= until ? { kind: 'probe' } : { kind: 'wait', until };
}

/** Paused from now on; the first probe is a minute away. */
export function pauseFor(reason: string, now: number): Pause {
  return { reason, since: now, probes: 0, lastProbeAt: now };
}

/** What becomes of the pause; undefined: the scorer resumes. What it was paused for may have changed its face: the latest reason is shown. */
export function afterProbe(pause: Pause, outcome: ProbeOutcome, now: number): Pause | undefined {
  if (outcome.kind === 'answered') return undefined;
  if (outcome.kind === 'misconfigured')
    return { ...pause, reason: outcome.reason, probes: pause.probes + 1, lastProbeAt: now };
  return { ...pause, lastProbeAt: Math.max(now, (outcome.until ?? 0) - minuteMs) };
}
