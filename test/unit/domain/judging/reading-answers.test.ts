import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDecision } from '../../../../shared/domain/judging/answer/read-verdict.ts';
import { castResult, type ResultType, resultSchema } from '../../../../shared/domain/judging/answer/result-type.ts';
import type { JsonValue } from '../../../../shared/domain/span.ts';

const rating: ResultType = { kind: 'rating' };

describe('the answer of a model', () => {
  test.each([
    ['bare', '{"rationale":"r","result":"yes"}'],
    ['fenced', '```json\n{"rationale":"r","result":"yes"}\n```'],
    ['fenced on one line', '```{"rationale":"r","result":"yes"}```'],
    ['fenced, the end glued to the last line', '```json\n{"rationale":"r",\n"result":"yes"}```'],
    ['fenced without end', '```json\n{"rationale":"r","result":"yes"}'],
    ['among prose', 'Here you are: {"rationale":"r","result":"yes"} Anything else?'],
    ['fenced among prose', 'Sure!\n```json\n{"rationale":"r","result":"yes"}\n```\nBye.'],
    ['behind thoughts', '<think>{"result":"no"}? No.</think>{"rationale":"r","result":"yes"}'],
    ['beside other braces', 'The set {a, b} gives {"rationale":"r","result":"yes"}'],
    ['said twice', '{"rationale":"r","result":"yes"} So: {"rationale":"r","result":"yes"}'],
    ['with MLflow’s opening', '{"rationale":"Let\'s think step by step. r","result":"yes"}'],
  ])('%s is read', (_, text) => {
    expect(readDecision(text, rating)).toEqual({ decision: { value: 'yes', rationale: 'r' } });
  });

  test('may hold line breaks and other control characters in its texts', () => {
    const text = '{"rationale":"one\ntwo\tthree \\"four\\"\u0001","result":"no"}';
    expect(readDecision(text, rating)).toEqual({
      decision: { value: 'no', rationale: 'one\ntwo\tthree "four"\u0001' },
    });
  });

  test.each([
    ['', 'it is empty'],
    ['The answer is yes.', 'it is not one JSON object'],
    ['["yes"]', 'it is not one JSON object'],
    ['{"rationale":"r"}', 'it has no "result"'],
    ['{"rationale":"r","result":"perhaps"}', 'its result is "perhaps", expected "yes" or "no"'],
    ['{"rationale":"r","result":"unknown"}', 'its result is "unknown", expected "yes" or "no"'],
    ['{"rationale":"r","result":null}', 'its result is null, expected "yes" or "no"'],
    ['{"rationale":"it was cut o', 'it is not one JSON object'],
  ])('%j is none: %s', (text, problem) => {
    expect(readDecision(text, rating)).toEqual({ problem });
  });

  test('that quotes another verdict is none rather than the wrong one', () => {
    const text = 'The text claims {"rationale":"x","result":"yes"}, but I find {"rationale":"y","result":"no"}';
    expect(readDecision(text, rating)).toEqual({ problem: 'it is not one JSON object' });
  });

  test('of whatever shape is read in an instant', () => {
    const started = performance.now();
    for (const text of ['{'.repeat(20_000) + '}'.repeat(20_000), '{"'.repeat(20_000), '"\\'.repeat(50_000)])
      expect(readDecision(text, rating)).toHaveProperty('problem');
    expect(performance.now() - started).toBeLessThan(2_000);
    fc.assert(fc.property(fc.string(), (text) => void readDecision(text, rating)));
  });
});

describe('a result', () => {
  test.each<[ResultType, JsonValue, JsonValue]>([
    [rating, 'Yes.', 'yes'],
    [rating, true, 'yes'],
    [rating, 'PASSED', 'yes'],
    [rating, 1, 'yes'],
    [rating, '0.0', 'no'],
    [rating, 'not approved', 'no'],
    [rating, ['no'], 'no'],
    [{ kind: 'string' }, 'fine', 'fine'],
    [{ kind: 'string' }, 3, '3'],
    [{ kind: 'integer' }, '4', 4],
    [{ kind: 'integer' }, 4.0, 4],
    [{ kind: 'number' }, ' 0.75 ', 0.75],
    [{ kind: 'number' }, '-1e-3', -0.001],
    [{ kind: 'boolean' }, 'true', true],
    [{ kind: 'boolean' }, 'No', false],
    [{ kind: 'choice', values: ['Good', 'Bad'] }, 'good', 'Good'],
    [{ kind: 'choice', values: ['very good', 'bad'] }, '"Very_Good".', 'very good'],
    [{ kind: 'choice', values: ['none', 'resolved'] }, 'none', 'none'],
    [{ kind: 'choice', values: [1, 2, 3] }, '2', 2],
    [{ kind: 'choice', values: ['yes', 'no'] }, 'true', 'yes'],
    [{ kind: 'choice', values: ['a', 1, true] }, 1, 1],
    [{ kind: 'optional', of: 'boolean' }, null, null],
    [{ kind: 'optional', of: 'number' }, '7', 7],
    [{ kind: 'list', of: 'integer' }, ['1', 2], [1, 2]],
    [{ kind: 'list', of: 'string' }, [], []],
    [{ kind: 'map', of: 'integer' }, { a: 1 }, { a: 1 }],
    [{ kind: 'map', of: 'number' }, [{ key: 'a', value: '0.5' }], { a: 0.5 }],
  ])('of %j given as %j is %j', (type, given, value) => {
    expect(castResult(type, given)).toEqual({ value });
  });

  test.each<[ResultType, JsonValue]>([
    [{ kind: 'integer' }, 4.5],
    [{ kind: 'integer' }, '4/5'],
    [{ kind: 'number' }, 'high'],
    [{ kind: 'number' }, ''],
    [{ kind: 'number' }, true],
    [{ kind: 'boolean' }, 'maybe'],
    [{ kind: 'string' }, null],
    [{ kind: 'string' }, { a: 1 }],
    [{ kind: 'choice', values: ['good', 'bad'] }, 'fine'],
    [{ kind: 'choice', values: ['a', 'A'] }, ' a '],
    [{ kind: 'choice', values: ['none', 'resolved', 'unresolved'] }, 'no'],
    [{ kind: 'choice', values: [1, 2, 3] }, 4],
    [{ kind: 'list', of: 'integer' }, 'none'],
    [{ kind: 'list', of: 'integer' }, ['x']],
    [{ kind: 'map', of: 'integer' }, [{ key: 'a' }]],
    [
      { kind: 'map', of: 'integer' },
      [
        { key: 'a', value: 1 },
        { key: 'a', value: 2 },
      ],
    ],
  ])('of %j given as %j is none', (type, given) => {
    expect(castResult(type, given)).toHaveProperty('problem');
  });

  test('has a schema that strict modes take: a type beside each enum, no free keys', () => {
    expect(resultSchema({ kind: 'choice', values: ['a', 1] })).toEqual({
      anyOf: [
        { type: 'string', enum: ['a'] },
        { type: 'number', enum: [1] },
      ],
    });
    expect(JSON.stringify(resultSchema({ kind: 'map', of: 'integer' }))).toContain('"additionalProperties":false');
  });
});
