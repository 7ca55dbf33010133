import { describe, expect, test } from 'vitest';
import { createHeuristic } from '../../../../shared/domain/heuristics/create-heuristic.ts';
import type { HeuristicDefinition } from '../../../../shared/domain/heuristics/definition.ts';
import { InvalidSchemaError } from '../../../../shared/domain/heuristics/json-validity.ts';
import { InvalidPatternError } from '../../../../shared/domain/linear-regex.ts';
import type { JsonValue } from '../../../../shared/domain/span.ts';
import { aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';

function judge(definition: HeuristicDefinition, outputs?: JsonValue) {
  return createHeuristic(definition)(aScorableTrace({ outputs }));
}

const noOutputs = { value: null, error: { code: 'NO_OUTPUTS', message: 'the root span has no outputs to judge' } };

describe('response length', () => {
  const words = { type: 'response_length', min: 2, max: 3, unit: 'words' } as const;

  test.each([
    ['one', 'no', 'The response has 1 word, fewer than the minimum of 2.'],
    ['one two', 'yes', 'The response has 2 words, within bounds.'],
    ['  one\n two\tthree ', 'yes', 'The response has 3 words, within bounds.'],
    ['a b c d', 'no', 'The response has 4 words, more than the maximum of 3.'],
  ])('of %j in words is %s', (text, value, rationale) => {
    expect(judge(words, text)).toEqual({ value, rationale });
  });

  test('counts characters as people do: code points, not UTF-16 units', () => {
    expect(judge({ type: 'response_length', max: 2, unit: 'chars' }, '🙂🙂')).toMatchObject({ value: 'yes' });
  });

  test('without bounds is the number', () => {
    const result = judge({ type: 'response_length', unit: 'chars' }, 'x'.repeat(1500));
    expect(result).toEqual({ value: 1500, rationale: 'The response has 1,500 characters.' });
  });

  test('of an empty response is judged, of none is an error', () => {
    expect(judge(words, '')).toMatchObject({ value: 'no' });
    expect(judge(words)).toEqual(noOutputs);
    expect(judge(words, null)).toEqual(noOutputs);
  });
});

describe('regex', () => {
  const regex = { type: 'regex', pattern: 'order \\d+', match: 'search', ignoreCase: false, expect: 'match' } as const;

  test.each([
    [{}, 'Your order 42 is here', 'yes', 'The response matches /order \\d+/: "order 42".'],
    [{}, 'Your Order 42', 'no', 'The response does not match /order \\d+/.'],
    [{ ignoreCase: true }, 'Your Order 42', 'yes', 'The response matches /order \\d+/: "Order 42".'],
    [{ match: 'fullmatch' }, 'order 42!', 'no', 'The response does not match /order \\d+/.'],
    [{ match: 'fullmatch' }, 'order 42', 'yes', 'The response matches /order \\d+/: "order 42".'],
    [{ expect: 'no_match' }, 'order 42', 'no', 'The response matches /order \\d+/: "order 42".'],
    [{ expect: 'no_match' }, 'none', 'yes', 'The response does not match /order \\d+/.'],
  ] as const)('with %j on %j is %s', (change, text, value, rationale) => {
    expect(judge({ ...regex, ...change }, text)).toEqual({ value, rationale });
  });

  test('takes alternatives as a whole when all of the text must match', () => {
    expect(judge({ ...regex, pattern: 'a|ab', match: 'fullmatch' }, 'ab')).toMatchObject({ value: 'yes' });
  });

  test('without outputs is an error', () => {
    expect(judge(regex)).toEqual(noOutputs);
  });

  test.each(['(a+)+$', '(a|aa)+$', '(.*a){20}$', '([a-zA-Z]+)*$', 'a{1,1000}b'])(
    '%s takes linear time on a hostile text',
    (pattern) => {
      const start = performance.now();
      judge({ ...regex, pattern }, `${'a'.repeat(20_000)}!`);
      expect(performance.now() - start).toBeLessThan(1000);
    },
  );

  test.each(['(', '(?=look)', '(a)\\1', '(a{1000}){1000}', 'x'.repeat(5000)])('refuses %s with a reason', (pattern) => {
    expect(() => createHeuristic({ ...regex, pattern })).toThrow(InvalidPatternError);
  });
});

describe('keywords', () => {
  const keywords = {
    type: 'keywords',
    keywords: ['refund', 'C++'],
    mode: 'any',
    ignoreCase: true,
    wholeWords: true,
  } as const;

  test.each([
    [{}, 'A Refund is due', 'yes', 'The response contains "refund", and not "C++".'],
    [{}, 'refunds', 'no', 'The response contains none of "refund", "C++".'],
    [{ wholeWords: false }, 'refunds', 'yes', 'The response contains "refund", and not "C++".'],
    [{ ignoreCase: false }, 'Refund', 'no', 'The response contains none of "refund", "C++".'],
    [{ mode: 'all' }, 'refund', 'no', 'The response contains "refund", and not "C++".'],
    [{ mode: 'all' }, 'refund the c++ book', 'yes', 'The response contains "refund", "C++".'],
    [{ mode: 'none' }, 'refund', 'no', 'The response contains "refund", and not "C++".'],
    [{ mode: 'none' }, 'hello', 'yes', 'The response contains none of "refund", "C++".'],
    [{ keywords: ['café'] }, 'cafés', 'no', 'The response contains none of "café".'],
    [{ keywords: ['refund'] }, 'prerefund refund', 'yes', 'The response contains "refund".'],
  ] as const)('with %j on %j is %s', (change, text, value, rationale) => {
    expect(judge({ ...keywords, ...change }, text)).toEqual({ value, rationale });
  });

  test('without outputs is an error', () => {
    expect(judge(keywords)).toEqual(noOutputs);
  });
});

describe('JSON validity', () => {
  const schema = {
    type: 'object',
    required: ['price'],
    properties: { price: { type: 'number' } },
    additionalProperties: false,
  } as const;

  test.each([
    ['{"a": 1}', 'yes'],
    ['[1, 2', 'no'],
    ['plain text', 'no'],
    ['', 'no'],
    [{ a: 1 }, 'yes'],
    [{ choices: [{ message: { role: 'assistant', content: '{"a": 1}' } }] }, 'yes'],
    [{ choices: [{ message: { role: 'assistant', content: 'Sure: {"a": 1}' } }] }, 'no'],
    [{ answer: 'a text' }, 'yes'],
    [42, 'yes'],
  ])('of %j is %s', (outputs, value) => {
    expect(judge({ type: 'json_validity' }, outputs)).toMatchObject({ value });
  });

  test('says when JSON is wrapped in a code fence', () => {
    const { value, rationale } = judge({ type: 'json_validity' }, '```json\n{"a": 1}\n```');
    expect(value).toBe('no');
    expect(rationale).toContain('It is wrapped in a Markdown code fence.');
  });

  test.each([
    ['{"price": 5}', 'yes', 'The response is JSON that fits the schema.'],
    ['{"price": "5"}', 'no', 'The response is JSON that does not fit the schema: /price must be number.'],
    [
      '{}',
      'no',
      "The response is JSON that does not fit the schema: the response must have required property 'price'.",
    ],
    [
      '{"price": 5, "x": 1}',
      'no',
      'The response is JSON that does not fit the schema: the response must NOT have additional properties: "x".',
    ],
  ])('of %s against a schema is %s', (text, value, rationale) => {
    expect(judge({ type: 'json_validity', schema }, text)).toEqual({ value, rationale });
  });

  test('follows the dialect that the schema names', () => {
    const tuple = { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'string' }] };
    expect(judge({ type: 'json_validity', schema: tuple }, '[1]')).toMatchObject({ value: 'no' });
  });

  test('runs the patterns of a schema in linear time', () => {
    const start = performance.now();
    const result = judge(
      { type: 'json_validity', schema: { type: 'string', pattern: '^(a+)+$' } },
      JSON.stringify(`${'a'.repeat(20_000)}!`),
    );
    expect(result).toMatchObject({ value: 'no' });
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test.each([[{ type: 'nonsense' }], [{ pattern: '(?=x)' }], [{ $ref: '#/missing' }]])(
    'refuses the schema %j',
    (broken) => {
      expect(() => createHeuristic({ type: 'json_validity', schema: broken })).toThrow(InvalidSchemaError);
    },
  );

  test('without outputs is an error', () => {
    expect(judge({ type: 'json_validity' })).toEqual(noOutputs);
  });
});

describe('refusal', () => {
  test.each([
    ["I'm sorry, but I can't help with that.", 'English'],
    ['I’m sorry, but I cannot assist with that request.', 'English'],
    ['I am unable to provide that information.', 'English'],
    ['As an AI language model, I do not have opinions.', 'English'],
    ['I must respectfully decline.', 'English'],
    ['Es tut mir leid, aber ich kann dir dabei leider nicht helfen.', 'German'],
    ['Désolé, je ne peux pas vous aider avec cela.', 'French'],
    ['Lo siento, no puedo ayudarte con eso.', 'Spanish'],
    ['Mi dispiace, non posso aiutarti.', 'Italian'],
    ['Desculpe, não posso ajudar com isso.', 'Portuguese'],
    ['Sorry, ik kan je daar niet mee helpen.', 'Dutch'],
    ['申し訳ありませんが、お答えできません。', 'Japanese'],
    ['抱歉，我无法提供这方面的帮助。', 'Chinese'],
  ])('of %j is seen, in %s', (text, language) => {
    const { value, rationale } = judge({ type: 'refusal' }, text);
    expect(value).toBe('no');
    expect(rationale).toContain(`(${language})`);
  });

  test.each([
    'Paris is the capital of France.',
    "I can't help but notice that your order shipped twice.",
    "I'm sorry, but your order is delayed until Monday. I can help you track it.",
    'I could not find order 42, please check the number.',
    'You cannot share your password with anyone.',
    'Ich kann Ihnen gern weiterhelfen.',
    'Je peux vous aider, ne vous inquiétez pas.',
    '',
  ])('is not seen in %j', (text) => {
    expect(judge({ type: 'refusal' }, text)).toEqual({ value: 'yes', rationale: 'The response does not refuse.' });
  });

  test('quotes the words it was seen by', () => {
    expect(judge({ type: 'refusal' }, "Hello. I can't help with that.").rationale).toBe(
      'The response refuses: "i can\'t help" (English).',
    );
  });

  test('without outputs is an error', () => {
    expect(judge({ type: 'refusal' })).toEqual(noOutputs);
  });
});
