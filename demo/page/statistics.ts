/** The nearest-rank percentile: a value that was really measured. `share` lies in (0, 1]. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error('no values to take a percentile of');
  return value;
}

export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new Error('no values to take the mean of');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
