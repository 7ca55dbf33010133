/** One line of the reconciliation. */
export interface Check {
  readonly what: string;
  readonly expected: number;
  readonly found: number;
  /** What does not agree, a few examples of each kind; none: it reconciles. */
  readonly problems: readonly string[];
}

const examples = 3;

/**
 * Compares ids, not counts: each expected one must be found exactly once, and no other.
 * @param found as it was read, with repetitions
 */
export function compareIds(
  what: string,
  { expected, found }: { expected: Iterable<string>; found: Iterable<string> },
): Check {
  const wanted = new Set(expected);
  const times = countEach(found);
  const problems = [
    ...someOf(
      'missing',
      [...wanted].filter((id) => !times.has(id)),
    ),
    ...someOf(
      'not expected',
      [...times.keys()].filter((id) => !wanted.has(id)),
    ),
    ...someOf(
      'found more than once',
      [...times].filter(([, count]) => count > 1).map(([id]) => id),
    ),
  ];
  return { what, expected: wanted.size, found: [...times.values()].reduce((sum, count) => sum + count, 0), problems };
}

export function compareCounts(what: string, { expected, found }: { expected: number; found: number }): Check {
  return { what, expected, found, problems: expected === found ? [] : [`${found} instead of ${expected}`] };
}

export function reconciles(checks: readonly Check[]): boolean {
  return checks.every(({ problems }) => problems.length === 0);
}

function countEach(ids: Iterable<string>): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
  return times;
}

function someOf(kind: string, ids: readonly string[]): readonly string[] {
  if (ids.length === 0) return [];
  const more = ids.length > examples ? ` and ${ids.length - examples} more` : '';
  return [`${kind}: ${ids.slice(0, examples).join(', ')}${more}`];
}
