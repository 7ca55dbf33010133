import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidFilterError } from '../../../../shared/domain/filter/invalid-filter-error.ts';
import { compileLike } from '../../../../shared/domain/filter/like.ts';
import { matchFilter } from '../../../../shared/domain/filter/match-filter.ts';
import { parseFilter } from '../../../../shared/domain/filter/parse-filter.ts';
import { aFilterSubject, aScorableSpan } from '../../../support/builders/a-scorable-trace.ts';

/** Of this thread: what else runs on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** What a filter of that length may take at most, ms of CPU: quadratic work would take minutes. */
const soon = 3_000;
const megabyte = 999_000;

function outcomeOf(filter: string): string {
  try {
    return `parsed ${parseFilter(filter).clauses.length}`;
  } catch (error) {
    if (error instanceof InvalidFilterError) return error.message;
    throw error;
  }
}

function upTo(length: number, part: string): string {
  return part.repeat(Math.floor(length / part.length));
}

describe('a filter of a megabyte', () => {
  test.each([
    ['quotes', upTo(megabyte, "' ")],
    ['double quotes', upTo(megabyte, '" ')],
    ['backticks', upTo(megabyte, '` ')],
    ['escaped quotes', `tags.a = '${upTo(megabyte, "\\'")}`],
    ['open parentheses', upTo(megabyte, '(')],
    ['open parentheses and quotes', upTo(megabyte, "('")],
    ['closed parentheses', upTo(megabyte, ')')],
    ['balanced parentheses', upTo(megabyte, "((''))")],
    ['dots', upTo(megabyte, 'a.')],
    ['dashes', upTo(megabyte, 'a-')],
    ['words', upTo(megabyte, 'a ')],
    ['one word', upTo(megabyte, 'a')],
    ['comparisons', upTo(megabyte, 'tags.a = ')],
    ['ANDs', upTo(megabyte, 'AND ')],
    ['clauses', upTo(megabyte, "tags.a = 'b' AND ")],
    ['half of IS NOT NULL', upTo(megabyte, 'a IS NOT ')],
    ['a long list', `status IN (${upTo(megabyte - 20, "'a',")})`],
    ['a long item of a list', `status IN ('${upTo(megabyte - 20, 'a')}')`],
    ['escapes in a list', `status IN ('${upTo(megabyte - 20, "\\'")}')`],
    ['a list without commas', `status IN (${upTo(megabyte - 20, "'a' ")})`],
    ['spaces in a list', `status IN ('a'${upTo(megabyte - 30, ' ')}'b')`],
    ['digits', `timestamp_ms > ${upTo(megabyte - 20, '1')}`],
    ['numbers that go on', upTo(megabyte, '1.')],
    ['semicolons', upTo(megabyte, '; ')],
    ['spaces', upTo(megabyte, ' ')],
    ['characters that mean nothing', upTo(megabyte, '@')],
    ['characters of two units', upTo(megabyte, '😀')],
    ['a prompt of slashes', `prompt = '${upTo(megabyte - 20, '/')}'`],
  ])('of %s is read in linear time, and refused in words that can be read', (_what, filter) => {
    const start = cpuMs();
    const outcome = outcomeOf(filter);
    expect(cpuMs() - start).toBeLessThan(soon);
    expect(outcome.length).toBeLessThan(2_100);
  });

  test('and more is refused before it is read', () => {
    expect(outcomeOf(`tags.a = '${'x'.repeat(1_000_000)}'`)).toBe(
      'filter of 1000011 characters, expected at most 1000000',
    );
  });

  test('is not kept in memory beside others of its size', () => {
    const [first, second] = ['a', 'b'].map((char) => `tags.a = '${char.repeat(900_000)}'`) as [string, string];
    const parsed = parseFilter(first);
    expect(parseFilter(first)).toBe(parsed);
    parseFilter(second);
    expect(parseFilter(first)).not.toBe(parsed);
  });
});

describe('a filter read once', () => {
  test('is the same object when its text comes again: the hot path does not parse for every trace', () => {
    expect(parseFilter("status = 'OK'")).toBe(parseFilter("status = 'OK'"));
  });
});

describe('RLIKE on a text of 100 KB', () => {
  const texts = { 'one letter': `${'a'.repeat(100_000)}!`, 'two letters': coinTosses(100_000) };
  const patterns = [
    '^(a+)+$',
    '^(a|aa)+$',
    '^(a|a?)+$',
    '(.*a){20}$',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(x+x+)+y',
    '(?:a?){500}a{500}[c-z]',
    '(?:a|b|ab){500}[c-z]',
    // The slowest for its size: more states than can be kept.
    'a.{1000}[c-z]',
  ];

  test.each(Object.entries(texts).flatMap(([what, text]) => patterns.map((pattern) => [pattern, what, text] as const)))(
    '%s is decided soon on %s',
    (pattern, _what, text) => {
      const subject = aFilterSubject({ spans: [aScorableSpan({ span: { attributes: { a: text } } })] });
      const start = cpuMs();
      matchFilter(parseFilter(`span.attributes.a RLIKE '${pattern}'`), subject);
      expect(cpuMs() - start).toBeLessThan(10_000);
    },
  );

  test.each([
    ['a pattern too long', 'a'.repeat(4_097), 'pattern of 4097 characters, expected at most 4096'],
    ['repetitions that would fill the memory', 'x{1000}'.repeat(585), 'steps when its repetitions are written out'],
    ['repeated groups', `(${'ab?'.repeat(300)}){1000}`, 'steps when its repetitions are written out'],
    ['many long repetitions', '[ab]?a.{900}[ab]?[c-z]|'.repeat(40), 'steps when its repetitions are written out'],
    ['classes of many characters, repeated', '\\\\pL{999}'.repeat(400), 'steps when its repetitions are written out'],
    ['repetitions in repetitions', '(((a{30}){30}){30})', 'Invalid regular expression for RLIKE'],
    ['groups too deep', `${'('.repeat(2_000)}${')'.repeat(2_000)}`, 'Invalid regular expression for RLIKE'],
  ])('is refused before it is compiled to much: %s', (_what, pattern, message) => {
    const start = cpuMs();
    expect(outcomeOf(`name RLIKE '${pattern.replaceAll('\\\\', '\\')}'`)).toContain(message);
    expect(cpuMs() - start).toBeLessThan(1_000);
  });

  test.each([
    '[\\w.+-]+@[\\w-]+\\.[\\w.-]+',
    '\\b(?:\\d[ -]*?){13,16}\\b',
    '^(?i)(sorry|unfortunately|i can(no|.)t)\\b',
    '\\p{Lu}{2,40}\\d{1,8}',
    Array.from({ length: 150 }, (_, i) => `word${i * 61}`).join('|'),
    '[]a]{3}[^]b]\\Q(.*)\\E',
  ])('takes patterns as people write them: %s', (pattern) => {
    expect(outcomeOf(`name RLIKE '${pattern}'`)).toBe('parsed 1');
  });
});

describe('LIKE', () => {
  const text = `${'a'.repeat(500_000)}b${'a'.repeat(500_000)}`;

  test.each([
    ['a long part that nearly stands everywhere', `%b${'a'.repeat(4_000)}c%`],
    ['a long part with a character to choose', `%${'a_'.repeat(2_000)}c%`],
    ['many parts', `${'%a'.repeat(2_000)}%c%`],
    ['many parts with a character to choose', `${'%_a'.repeat(1_300)}%c%`],
  ])('takes linear time on a megabyte: %s', (_what, pattern) => {
    const matches = compileLike(pattern, { ignoreCase: true });
    const start = cpuMs();
    expect(matches(text)).toBe(false);
    expect(cpuMs() - start).toBeLessThan(soon);
  });

  test('finds long parts where they stand', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 65, maxLength: 140 });
    fc.assert(
      fc.property(part, fc.nat(70), fc.nat(70), fc.boolean(), (like, before, after, isThere) => {
        const found = like.replaceAll('_', 'b');
        const standing = isThere ? found : `${found.slice(0, -1)}${found.endsWith('a') ? 'b' : 'c'}`;
        const matches = compileLike(`%${like}%`, { ignoreCase: false })(
          `${'c'.repeat(before)}${standing}${'c'.repeat(after)}`,
        );
        expect(matches).toBe(isThere || like.endsWith('_'));
      }),
    );
  });

  test('of a pattern that nobody writes is refused', () => {
    expect(outcomeOf(`tags.a LIKE '%${'a'.repeat(4_096)}'`)).toContain(
      'LIKE pattern of 4097 characters, expected at most 4096',
    );
  });
});

/** The same letters each time, without a pattern in them. */
function coinTosses(count: number): string {
  let seed = 1;
  const toss = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed < 2 ** 30 ? 'a' : 'b';
  };
  return Array.from({ length: count }, toss).join('');
}
