import { table } from '../../cli/table.ts';
import { type Check, reconciles } from '../reconcile/check.ts';
import { bad, count, good, heading } from './format.ts';

/** Each check with its figures, what does not agree, and the verdict. */
export function reconciliationSection(checks: readonly Check[]): string {
  const rows = checks.map(({ what, expected, found, problems }) => [
    problems.length === 0 ? good('✓') : bad('✗'),
    what,
    count(expected),
    count(found),
  ]);
  const problems = checks.flatMap(({ what, problems }) => problems.map((problem) => bad(`  ✗ ${what}: ${problem}`)));
  const verdict = reconciles(checks)
    ? good('  Everything reconciles: by id, each expected one found once and no other.')
    : bad('  It does not reconcile.');
  return [
    heading('Reconciliation'),
    table({ columns: [' ', 'what', 'expected', 'found'], rows }),
    ...problems,
    verdict,
  ].join('\n');
}
