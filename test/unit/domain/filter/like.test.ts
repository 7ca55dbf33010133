import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileLike } from '../../../../shared/domain/filter/like.ts';

/** The definition of LIKE, by a backtracking regular expression. */
function likeByRegExp(pattern: string): RegExp {
  const source = [...pattern].map(
    (char) => ({ '%': '[^]*', _: '[^]' })[char] ?? char.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  );
  return new RegExp(`^${source.join('')}$`);
}

describe('LIKE', () => {
  test.each([
    ['%', '', true],
    ['', '', true],
    ['', 'a', false],
    ['a%a', 'a', false],
    ['a%a', 'aa', true],
    ['%ab%ab%', 'ab', false],
    ['%a_c%', 'xxabcxx', true],
    ['%a%', 'b\na\nb', true],
    ['a.c', 'abc', false],
  ])('%j on %j is %s', (pattern, text, expected) => {
    expect(compileLike(pattern, { ignoreCase: false })(text)).toBe(expected);
  });

  test('agrees with its definition on every pattern and text', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 });
    fc.assert(
      fc.property(pattern, text, (like, value) => {
        expect(compileLike(like, { ignoreCase: false })(value)).toBe(likeByRegExp(like).test(value));
      }),
      { numRuns: 2000 },
    );
  });
});
