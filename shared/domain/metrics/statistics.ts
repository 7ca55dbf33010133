import type { Aggregation } from './metrics-query.ts';

/** What was counted and the numbers that were met in one group. */
export interface Group {
  readonly count: number;
  readonly numbers: readonly number[];
}

/** The values of the aggregations under MLflow's names (`AVG`, `P99.5`); one that is not defined for no numbers is left out. */
export function aggregate(group: Group, aggregations: readonly Aggregation[]): Record<string, number> {
  const sorted = aggregations.some(({ type }) => type !== 'COUNT') ? Float64Array.from(group.numbers).toSorted() : [];
  const values = aggregations.map((each) => [labelOf(each), computed(each, { ...group, sorted })] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** As Python spells the number: `P50.0`. */
function labelOf({ type, percentile = 0 }: Aggregation): string {
  if (type !== 'PERCENTILE') return type;
  return `P${Number.isInteger(percentile) ? `${percentile}.0` : percentile}`;
}

function computed(
  { type, percentile = 0 }: Aggregation,
  { count, numbers, sorted }: Group & { sorted: ArrayLike<number> },
): number | undefined {
  if (type === 'COUNT') return count;
  if (numbers.length === 0) return undefined;
  switch (type) {
    case 'SUM':
      return preciseSum(numbers);
    case 'AVG':
      return preciseSum(numbers) / numbers.length;
    case 'MIN':
      return sorted[0];
    case 'MAX':
      return sorted[numbers.length - 1];
    case 'PERCENTILE':
      return percentileOf(sorted, percentile);
  }
}

/** Linear interpolation between the two nearest ranks (Hyndman and Fan's method 7, which MLflow and numpy use). */
function percentileOf(sorted: ArrayLike<number>, percentile: number): number {
  const rank = (percentile / 100) * (sorted.length - 1);
  const [below, above] = [Math.floor(rank), Math.min(Math.floor(rank) + 1, sorted.length - 1)];
  const [low, high] = [sorted[below] as number, sorted[above] as number];
  return low + (rank - below) * (high - low);
}

/** Neumaier's sum: costs are small fractions, and the order in which traces are read must not show. */
function preciseSum(numbers: readonly number[]): number {
  let [sum, lost] = [0, 0];
  for (const each of numbers) {
    const next = sum + each;
    lost += Math.abs(sum) >= Math.abs(each) ? sum - next + each : each - next + sum;
    sum = next;
  }
  return sum + lost;
}
