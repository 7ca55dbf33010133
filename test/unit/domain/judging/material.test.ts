import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateTokens } from '../../../../shared/domain/judging/estimate-tokens.ts';
import { fitSections } from '../../../../shared/domain/judging/material.ts';

const section = fc.record({
  title: fc.constantFrom('request', 'answer', 'steps'),
  items: fc.array(fc.string({ unit: 'grapheme', maxLength: 3_000 }), { maxLength: 40 }),
});

function tokensOf(sections: readonly { text: string }[]): number {
  return sections.reduce((sum, { text }) => sum + estimateTokens(text), 0);
}

describe('fitting material into a budget', () => {
  test('never takes more, beyond the notes of what is left out', () => {
    fc.assert(
      fc.property(
        fc.array(section, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 500, max: 20_000 }),
        (sections, budget) => {
          expect(tokensOf(fitSections(sections, budget))).toBeLessThanOrEqual(budget + 60 * sections.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('leaves alone what fits, and says nothing of it', () => {
    expect(fitSections([{ title: 'steps', items: ['a', 'b'] }], 100)).toEqual([{ title: 'steps', text: 'a\n\nb' }]);
  });

  test('gives the first sections what they need, and every other one its share', () => {
    const long = 'word '.repeat(10_000);
    const [request, answer, steps] = fitSections(
      [
        { title: 'request', items: ['What is it?'] },
        { title: 'answer', items: [long] },
        { title: 'steps', items: Array.from({ length: 50 }, (_, i) => `step ${i} ${'x '.repeat(100)}`) },
      ],
      3_000,
    );
    expect(request).toEqual({ title: 'request', text: 'What is it?' });
    expect(answer?.omission).toMatchObject({ entries: 1, entriesLeftOut: 0, entriesShortened: 1 });
    expect(estimateTokens(steps?.text ?? '')).toBeGreaterThan(200);
  });

  test('keeps head and tail of a long text and says how much is missing between them', () => {
    const [fitted] = fitSections([{ title: 'answer', items: [`BEGIN ${'middle '.repeat(5_000)}END`] }], 500);
    expect(fitted?.text).toMatch(/^BEGIN [\s\S]*\[…[\d,]+ characters left out…\][\s\S]*END$/);
    expect(fitted?.omission?.tokensLeftOut).toBeGreaterThan(4_000);
  });

  test('shortens the long entries only, where all can stay', () => {
    const items = ['short one', 'long '.repeat(3_000), 'short two'];
    const [fitted] = fitSections([{ title: 'steps', items }], 1_000);
    expect(fitted?.text).toContain('short one');
    expect(fitted?.text).toContain('short two');
    expect(fitted?.omission).toMatchObject({ entriesLeftOut: 0, entriesShortened: 1 });
  });

  test('of too many entries leaves out the middle, counted, and keeps more of the end', () => {
    const items = Array.from({ length: 1_000 }, (_, i) => `turn ${i} ${'word '.repeat(150)}`);
    const [fitted] = fitSections([{ title: 'conversation', items }], 5_000);
    const kept = [...(fitted?.text ?? '').matchAll(/turn (\d+) /g)].map(([, number]) => Number(number));
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(999);
    expect(fitted?.text).toMatch(new RegExp(`${1_000 - kept.length} of 1,000 entries left out here`));
    expect(kept.filter((turn) => turn > 500).length).toBeGreaterThan(kept.filter((turn) => turn < 500).length);
    expect(fitted?.omission).toMatchObject({ entries: 1_000, entriesLeftOut: 1_000 - kept.length });
  });

  test('cuts no character in two', () => {
    const [fitted] = fitSections([{ title: 'answer', items: ['😀'.repeat(5_000)] }], 300);
    expect(fitted?.text.isWellFormed()).toBe(true);
  });
});

describe('estimating tokens', () => {
  // Counts of o200k_base: a known text and what its tokenizer makes of it.
  test.each([
    ['The quick brown fox jumps over the lazy dog.', 10],
    ['{"name":"get_user_details","arguments":{"user_id":"mia_li_3668"}}', 18],
    ['東京の天気は晴れです。', 9],
    ['a0ac673904b652d3b5aaea6a8c6e066f', 21],
  ])('of %s errs upwards, by no more than double', (text, tokens) => {
    expect(estimateTokens(text)).toBeGreaterThanOrEqual(tokens);
    expect(estimateTokens(text)).toBeLessThanOrEqual(tokens * 2.2);
  });

  test('of two texts together is about that of both', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(estimateTokens(a) + estimateTokens(b)).toBeGreaterThanOrEqual(estimateTokens(a + b) - 2);
      }),
    );
  });
});
