import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHeuristic } from '../../../../shared/domain/heuristics/create-heuristic.ts';
import { normalize } from '../../../../shared/domain/heuristics/normalize.ts';
import type { JsonValue } from '../../../../shared/domain/span.ts';
import { aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';

function judge(
  type: 'exact_match' | 'normalized_match',
  { expected, outputs }: { expected: JsonValue; outputs?: JsonValue },
) {
  return createHeuristic({ type, expectation: 'expected_response' })(
    aScorableTrace({ outputs, expectations: { expected_response: expected } }),
  );
}

describe('a match with an expectation', () => {
  test.each([
    ['Paris', 'Paris', 'yes', 'yes'],
    ['Paris', { answer: 'Paris' }, 'yes', 'yes'],
    ['Paris.', ' “PARIS” ', 'no', 'yes'],
    ['Don’t know', "don't  know!", 'no', 'yes'],
    ['ﬁne', 'Fine', 'no', 'yes'],
    ['1.5', '15', 'no', 'no'],
    ['-5', '5', 'no', 'no'],
    ['Lyon', 'Paris', 'no', 'no'],
    [{ a: 1, b: [2] }, { b: [2], a: 1 }, 'yes', 'yes'],
    [{ a: 1 }, { a: 2 }, 'no', 'no'],
    [42, '42', 'yes', 'yes'],
  ])('of %j with %j is %s exactly, %s normalized', (expected, outputs, exact, normalized) => {
    expect(judge('exact_match', { expected, outputs }).value).toBe(exact);
    expect(judge('normalized_match', { expected, outputs }).value).toBe(normalized);
  });

  test('shows both where they differ', () => {
    expect(judge('exact_match', { expected: 'Lyon', outputs: 'Paris' }).rationale).toBe(
      'The response "Paris" differs from expected_response "Lyon".',
    );
  });

  test('takes the expectation by the name given', () => {
    const heuristic = createHeuristic({ type: 'exact_match', expectation: 'city' });
    expect(
      heuristic(aScorableTrace({ outputs: 'Paris', expectations: { city: 'Paris', expected_response: 'x' } })),
    ).toMatchObject({ value: 'yes' });
  });

  test('without the expectation, or without outputs, is an error', () => {
    const heuristic = createHeuristic({ type: 'exact_match', expectation: 'toString' });
    expect(heuristic(aScorableTrace({ outputs: 'x' }))).toEqual({
      value: null,
      error: { code: 'NO_EXPECTATION', message: 'the trace has no expectation "toString"' },
    });
    expect(judge('exact_match', { expected: 'x' })).toMatchObject({ value: null, error: { code: 'NO_OUTPUTS' } });
  });
});

describe('normalizing', () => {
  test('twice changes nothing', () => {
    const mixed = fc.string({
      unit: fc.constantFrom('a', 'B', '5', '-', '.', ',', "'", ' ', '(', 'İ', 'ﬁ', '½', '１', '…', 'ß', '\u0301', '‘'),
    });
    fc.assert(
      fc.property(fc.oneof(mixed, fc.string({ unit: 'binary' })), (text) => {
        expect(normalize(normalize(text))).toBe(normalize(text));
      }),
      { numRuns: 3000 },
    );
  });

  test('makes texts equal that differ in case, spacing and punctuation at their ends', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, (parts) => {
        expect(normalize(` ${parts.join(',  ').toUpperCase()}! `)).toBe(parts.join(' '));
      }),
    );
  });

  test.each([
    ['The price is €1,000.50.', 'the price is €1,000.50'],
    ['(-5)', '-5'],
    ['well-known', 'well known'],
    ['2026-01-31', '2026-01-31'],
  ])('%s is %s', (text, normalized) => {
    expect(normalize(text)).toBe(normalized);
  });
});
