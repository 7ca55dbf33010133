import { describe, expect, test } from 'vitest';
import { compareCounts, compareIds, reconciles } from '../../../demo/reconcile/check.ts';

describe('comparing ids', () => {
  test('reconciles where each is found once, in any order', () => {
    const check = compareIds('traces', { expected: ['a', 'b'], found: ['b', 'a'] });
    expect(check).toEqual({ what: 'traces', expected: 2, found: 2, problems: [] });
  });

  test.each([
    ['one is missing', ['a'], ['missing: b']],
    ['one is not expected', ['a', 'b', 'c'], ['not expected: c']],
    ['one comes twice', ['a', 'b', 'b'], ['found more than once: b']],
    ['counts agree and ids do not', ['a', 'c'], ['missing: b', 'not expected: c']],
  ])('says so where %s', (_, found, problems) => {
    const check = compareIds('traces', { expected: ['a', 'b'], found });
    expect(check.problems).toEqual(problems);
    expect(reconciles([check])).toBe(false);
  });

  test('names a few and counts the rest', () => {
    const { problems } = compareIds('traces', { expected: ['a', 'b', 'c', 'd', 'e'], found: [] });
    expect(problems).toEqual(['missing: a, b, c and 2 more']);
  });
});

test('counts that differ do not reconcile', () => {
  expect(reconciles([compareCounts('dead letters', { expected: 0, found: 0 })])).toBe(true);
  expect(reconciles([compareCounts('dead letters', { expected: 0, found: 2 })])).toBe(false);
});
