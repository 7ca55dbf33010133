import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchFilter } from '../../../../shared/domain/filter/match-filter.ts';
import { parseFilter } from '../../../../shared/domain/filter/parse-filter.ts';
import type { FilterSubject } from '../../../../shared/domain/filter/subject.ts';
import { aFilterSubject, anAssessment } from '../../../support/builders/a-scorable-trace.ts';

function matches(filter: string, subject: FilterSubject): boolean {
  return matchFilter(parseFilter(filter), subject).matched;
}

/** Whatever stands between quotes; a backslash before the closing quote would escape it. */
const text = fc.string({ unit: fc.constantFrom(...'abAB %_.;()=<>-`"é😀'), maxLength: 8 });
const key = fc.string({ unit: fc.constantFrom(...'abk .-()='), minLength: 1, maxLength: 6 });
/** Few, so that they often meet. */
const word = fc.constantFrom('a', 'b', 'ab', 'A');
const record = fc.dictionary(fc.constantFrom('k', 'l'), word, { noNullPrototype: true });

const subject = fc
  .record({ tags: record, metadata: record, durationMs: fc.nat(3), stars: fc.nat(3) })
  .map(({ stars, ...facts }) =>
    aFilterSubject({ facts, assessments: [anAssessment({ name: 'stars', value: stars })] }),
  );
const clause = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('tags.k', 'tags.l', 'metadata.k'),
      fc.constantFrom('=', '!=', 'LIKE', 'ILIKE', 'RLIKE'),
      word,
    )
    .map(([target, comparator, value]) => `${target} ${comparator} '${value}'`),
  fc
    .tuple(fc.constantFrom('tags.k', 'metadata.l'), fc.constantFrom('IS NULL', 'IS NOT NULL'))
    .map((parts) => parts.join(' ')),
  fc
    .tuple(fc.constantFrom('execution_time_ms', 'feedback.stars'), fc.constantFrom('>', '>=', '<', '<='), fc.nat(3))
    .map((parts) => parts.join(' ')),
);

describe('a clause', () => {
  test('means the key, comparator and value that were written, whatever they hold', () => {
    const comparators = fc.constantFrom('=', '!=', 'LIKE', 'ILIKE');
    const spaces = fc.constantFrom(' ', '  ', '\n\t');
    fc.assert(
      fc.property(key, comparators, text, spaces, (name, comparator, value, space) => {
        const [clauses] = parseFilter(
          ['tags.`', name, '`', space, comparator, space, "'", value, "'"].join(''),
        ).clauses;
        expect(clauses).toMatchObject({ entity: 'tag', key: name, comparator, value });
      }),
    );
  });

  test('may stand between double quotes, too, and its words in small letters', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab%_'. "), maxLength: 8 }), (value) => {
        expect(parseFilter(`tags.a like "${value}"`).clauses).toMatchObject([{ comparator: 'LIKE', value }]);
      }),
    );
  });

  test('may compare with any number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const [parsed] = parseFilter(`trace.total_cost >= ${number}`).clauses;
        expect(parsed?.value).toBe(Object.is(number, -0) ? 0 : number);
      }),
    );
  });

  test('may list any texts', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => {
        const list = texts.map((each) => `'${each}'`).join(' , ');
        expect(parseFilter(`request_id IN (${list})`).clauses[0]?.value).toEqual(texts);
      }),
    );
  });
});

describe('a filter', () => {
  test('matches where all its clauses do, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(clause, { minLength: 1, maxLength: 4 }), subject, (clauses, trace) => {
        const each = clauses.every((one) => matches(one, trace));
        expect(matches(clauses.join(' AND '), trace)).toBe(each);
        expect(matches(clauses.toReversed().join(' and '), trace)).toBe(each);
      }),
      { numRuns: 500 },
    );
  });

  test('of = and of != divide the traces that have the key; IS NULL names the others', () => {
    fc.assert(
      fc.property(subject, word, (trace, value) => {
        const [equal, different, absent] = [`= '${value}'`, `!= '${value}'`, 'IS NULL'].map((rest) =>
          matches(`tags.k ${rest}`, trace),
        );
        expect([equal, different, absent].filter(Boolean)).toHaveLength(1);
        expect(matches('tags.k IS NOT NULL', trace)).toBe(!absent);
      }),
    );
  });

  test('of IN is one of =, and of NOT IN none', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 3 }), word, (words, session) => {
        const trace = aFilterSubject({ facts: { sessionId: session } });
        const list = `(${words.map((each) => `'${each}'`).join(',')})`;
        const isOne = words.some((each) => matches(`trace.session = '${each}'`, trace));
        expect(matches(`trace.session IN ${list}`, trace)).toBe(isOne);
        expect(matches(`trace.session NOT IN ${list}`, trace)).toBe(!isOne);
      }),
    );
  });
});
