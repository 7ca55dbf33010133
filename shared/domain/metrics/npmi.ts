export interface CooccurrenceCounts {
  readonly filter1: number;
  readonly filter2: number;
  /** Both. */
  readonly joint: number;
  readonly total: number;
}

/** Jeffreys' prior, added to each cell of the table for the smoothed value. */
const jeffreysPrior = 0.5;

/**
 * How strongly two filters go together: normalized pointwise mutual information, from -1 (never both) over 0 (independent) to 1
 * (always both), plain and smoothed; undefined where one of them matches nothing. As mlflow/store/analytics/trace_correlation.py.
 */
export function npmiOf({
  filter1,
  filter2,
  joint,
  total,
}: CooccurrenceCounts): { plain: number; smoothed: number } | undefined {
  if (total <= 0 || filter1 === 0 || filter2 === 0) return undefined;
  const cells = [joint, filter1 - joint, filter2 - joint, total - filter1 - filter2 + joint] as const;
  if (Math.min(...cells) < 0) return undefined;
  // Plain values need no prior to say that what never happens together never does.
  return { plain: joint === 0 ? -1 : npmi(cells, 0), smoothed: npmi(cells, jeffreysPrior) };
}

/** `both`, only the first, only the second, neither. */
function npmi([both, first, second, neither]: readonly [number, number, number, number], prior: number): number {
  if (first === 0 && second === 0 && neither === 0) return 1;
  const [n11, n10, n01, n00] = [both + prior, first + prior, second + prior, neither + prior];
  const all = n11 + n10 + n01 + n00;
  const information = Math.log(n11) + Math.log(all) - (Math.log(n11 + n10) + Math.log(n11 + n01));
  const value = information / -(Math.log(n11) - Math.log(all));
  return Math.max(-1, Math.min(1, value));
}
