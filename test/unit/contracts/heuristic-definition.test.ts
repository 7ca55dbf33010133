import { describe, expect, test } from 'vitest';
import { InvalidHeuristicError, parseHeuristicDefinition } from '../../../shared/contracts/heuristic-definition.ts';
import { piiKinds } from '../../../shared/domain/heuristics/pii/pii-kind.ts';

describe('the definition of a heuristic', () => {
  test.each([
    [
      { type: 'response_length', min: 1 },
      { type: 'response_length', min: 1, unit: 'chars' },
    ],
    [
      { type: 'regex', pattern: 'a' },
      { type: 'regex', pattern: 'a', match: 'search', ignoreCase: false, expect: 'match' },
    ],
    [
      { type: 'keywords', keywords: ['a'], whole_words: false },
      { type: 'keywords', keywords: ['a'], mode: 'any', ignoreCase: true, wholeWords: false },
    ],
    [{ type: 'json_validity' }, { type: 'json_validity' }],
    [
      { type: 'json_validity', schema: { type: 'object' } },
      { type: 'json_validity', schema: { type: 'object' } },
    ],
    [{ type: 'pii' }, { type: 'pii', kinds: piiKinds, where: 'outputs' }],
    [{ type: 'refusal' }, { type: 'refusal' }],
    [
      { type: 'latency', max_ms: 2000 },
      { type: 'latency', maxMs: 2000 },
    ],
    [{ type: 'latency' }, { type: 'latency' }],
    [
      { type: 'tokens', max_tokens: 10 },
      { type: 'tokens', maxTokens: 10, count: 'total' },
    ],
    [
      { type: 'cost', max_usd: 0.5 },
      { type: 'cost', maxUsd: 0.5 },
    ],
    [{ type: 'tool_call_success' }, { type: 'tool_call_success', measure: 'verdict' }],
    [{ type: 'error_free' }, { type: 'error_free' }],
    [{ type: 'exact_match' }, { type: 'exact_match', expectation: 'expected_response' }],
    [
      { type: 'normalized_match', expectation: 'city' },
      { type: 'normalized_match', expectation: 'city' },
    ],
  ])('%j is understood, defaults filled in', (wire, definition) => {
    expect(parseHeuristicDefinition(wire)).toEqual(definition);
  });

  test.each([
    [
      null,
      'a heuristic is an object with a type, one of response_length, regex, keywords, json_validity, pii, refusal, latency',
    ],
    [{ type: 'vibes' }, 'type must be one of response_length, regex'],
    [{}, 'type must be one of response_length, regex'],
    [{ type: 'latency', maxMs: 5 }, 'unknown field maxMs: leave it out'],
    [{ type: 'latency', max_ms: '5' }, 'max_ms: must be a number'],
    [{ type: 'cost', max_usd: 0 }, 'max_usd: must be greater than 0'],
    [{ type: 'response_length', min: 5, max: 4 }, 'min: must not be greater than max'],
    [{ type: 'response_length', max: 1.5 }, 'max: must be a whole number'],
    [{ type: 'response_length', max: -1 }, 'max: must not be negative'],
    [{ type: 'regex' }, 'pattern: must be a regular expression in RE2 syntax'],
    [{ type: 'keywords', keywords: [] }, 'keywords: name at least one keyword'],
    [{ type: 'pii', kinds: ['iris'] }, 'kinds.0: Invalid option: expected one of "email"'],
    [{ type: 'json_validity', schema: 'x' }, 'schema: must be a JSON Schema: an object, or true or false'],
  ])('%j is refused with what to do', (wire, message) => {
    expect(() => parseHeuristicDefinition(wire)).toThrow(InvalidHeuristicError);
    expect(() => parseHeuristicDefinition(wire)).toThrow(message);
  });
});
