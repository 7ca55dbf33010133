import { describe, expect, it } from 'vitest';
import { parseCodeResults } from '../../../../shared/contracts/code/code-results.ts';

const span = '00f067aa0ba902b7';
const parse = (value: unknown) => parseCodeResults(JSON.stringify(value), new Set([span]));

describe('what code returned', () => {
  it.each([
    ['nothing', null, []],
    ['a boolean', false, [{ value: false }]],
    ['a number', 0, [{ value: 0 }]],
    ['a text', '', [{ value: '' }]],
    ['a rationale', { value: 'no', rationale: 'why' }, [{ value: 'no', rationale: 'why' }]],
    ['a structured value', { value: { a: [1] } }, [{ value: { a: [1] } }]],
    [
      'feedbacks of several names',
      [
        { name: 'a', value: 1 },
        { name: 'b', value: 2 },
      ],
      [
        { name: 'a', value: 1 },
        { name: 'b', value: 2 },
      ],
    ],
    ['a list of numbers', [1, 2], [{ value: 1 }, { value: 2 }]],
    ['an empty list', [], []],
    [
      'an error, which leaves no value',
      { value: 1, error: { error_code: 'X', error_message: 'm' } },
      [{ value: null, error: { code: 'X', message: 'm' } }],
    ],
    ['an error as text', { error: 'm' }, [{ value: null, error: { code: 'ASSESSMENT_ERROR', message: 'm' } }]],
    ['a span of the trace', { value: 1, span_id: span }, [{ value: 1, spanId: span }]],
    [
      'metadata, reserved keys left out',
      { value: 1, metadata: { a: 1, b: null, 'mlflow.assessment.scorerName': 'x', 'assay.sampleRate': '1' } },
      [{ value: 1, metadata: { a: '1' } }],
    ],
  ])('is %s', (_, value, expected) => {
    expect(parse(value)).toEqual(expected);
  });

  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

  it.each([
    ['an object without a value', { verdict: true }, /needs a value/],
    ['a list in a list', [[1]], /a scorer returns/],
    ['null in a list', [null], /a scorer returns/],
    ['a span of another trace', { value: 1, span_id: 'ffffffffffffffff' }, /the trace has no span/],
    ['a name with control characters', { name: 'a\0b', value: 1 }, /name: must have no control characters/],
    ['a long rationale', { value: 1, rationale: 'x'.repeat(70_000) }, /rationale: must have at most/],
    ['too many', Array.from({ length: 101 }, () => 1), /101 members, at most 100/],
    ['too deep a value', { value: nested(20) }, /nested deeper than 16/],
    ['too much', 'x'.repeat(300_000), /at most 262144/],
  ])('is an error, never a score: %s', (_, value, message) => {
    expect(parse(value)).toEqual([
      { value: null, error: { code: 'SCORER_INVALID_RESULT', message: expect.stringMatching(message) } },
    ]);
  });

  it.each(['', 'undefined', '{"value":', '1e999'])('is an error where it is not JSON or no number: %s', (returned) => {
    expect(parseCodeResults(returned, new Set())).toEqual([
      { value: null, error: { code: 'SCORER_INVALID_RESULT', message: expect.any(String) } },
    ]);
  });

  it('is read without recursion, however deep it is', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(parseCodeResults(deep, new Set())[0]?.error?.code).toBe('SCORER_INVALID_RESULT');
  });
});
