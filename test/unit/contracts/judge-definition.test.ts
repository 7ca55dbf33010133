import { describe, expect, test } from 'vitest';
import { createRegisteredJudge, parseJudgeDefinition } from '../../../shared/contracts/judge-definition.ts';
import { parseSerializedScorer } from '../../../shared/contracts/parse-serialized-scorer.ts';
import { createScorer } from '../../../shared/contracts/serialized-scorer.ts';
import { builtinJudgeNames, InvalidJudgeError } from '../../../shared/domain/judging/definition.ts';
import { aSerializedScorer } from '../../support/builders/a-serialized-scorer.ts';

function serialized(given: object): string {
  return JSON.stringify(aSerializedScorer({ name: 'mine', ...given }));
}

function builtin(className: string, data: object = {}): object {
  return {
    builtin_scorer_class: className,
    builtin_scorer_pydantic_data: { name: 'mine', model: null, inference_params: null, ...data },
  };
}

function parse(given: object) {
  const scorer = parseSerializedScorer(serialized(given));
  return parseJudgeDefinition(scorer, (member) => createScorer({ serialized: JSON.stringify(member) }));
}

function instructions(data: object): object {
  return {
    instructions_judge_pydantic_data: { instructions: 'Rate {{ outputs }}', model: 'openai:/gpt-4.1-mini', ...data },
  };
}

describe('a registered judge', () => {
  test.each(builtinJudgeNames)('%s is read', (className) => {
    expect(parse(builtin(className))).toEqual({ kind: 'builtin', className, name: 'mine' });
  });

  test('brings its model and its parameters', () => {
    const data = { model: 'bedrock:/x', inference_params: { temperature: 0, stop: ['a'] } };
    expect(parse(builtin('Safety', data))).toMatchObject({
      model: 'bedrock:/x',
      parameters: { temperature: 0, stop: ['a'] },
    });
  });

  test.each([
    ['Guidelines', 'Be kind.', ['Be kind.']],
    ['ConversationalGuidelines', ['a', 'b'], ['a', 'b']],
  ])('%s has its guidelines, a text or a list', (className, given, guidelines) => {
    expect(parse(builtin(className, { guidelines: given }))).toEqual({
      kind: 'guidelines',
      className,
      name: 'mine',
      guidelines,
    });
  });

  test('ToolCallCorrectness has its modes', () => {
    expect(parse(builtin('ToolCallCorrectness'))).toMatchObject({ exactMatch: false, considerOrdering: false });
    expect(
      parse(builtin('ToolCallCorrectness', { should_exact_match: true, should_consider_ordering: true })),
    ).toMatchObject({
      kind: 'tool-call-correctness',
      exactMatch: true,
      considerOrdering: true,
    });
  });

  test.each([
    [undefined, { kind: 'string' }],
    [{ title: 'Result', type: 'string' }, { kind: 'string' }],
    [{ title: 'Result', type: 'boolean' }, { kind: 'boolean' }],
    [{ type: 'integer' }, { kind: 'integer' }],
    [{ type: 'number' }, { kind: 'number' }],
    [
      { enum: ['good', 'bad'], title: 'Result', type: 'string' },
      { kind: 'choice', values: ['good', 'bad'] },
    ],
    [{ enum: ['a', 1, true] }, { kind: 'choice', values: ['a', 1, true] }],
    [
      { const: 'only', type: 'string' },
      { kind: 'choice', values: ['only'] },
    ],
    [{ anyOf: [{ type: 'boolean' }, { type: 'null' }] }, { kind: 'optional', of: 'boolean' }],
    [
      { additionalProperties: { type: 'integer' }, type: 'object' },
      { kind: 'map', of: 'integer' },
    ],
    [
      { items: { type: 'string' }, type: 'array' },
      { kind: 'list', of: 'string' },
    ],
  ])('with instructions and feedback_value_type %j gives %j', (type, resultType) => {
    expect(parse(instructions({ feedback_value_type: type }))).toEqual({
      kind: 'instructions',
      name: 'mine',
      model: 'openai:/gpt-4.1-mini',
      instructions: 'Rate {{ outputs }}',
      resultType,
      rationaleFirst: false,
    });
  });

  test('with instructions may want its reasons first', () => {
    expect(parse(instructions({ generate_rationale_first: true }))).toMatchObject({ rationaleFirst: true });
  });

  test('that is an ensemble has its members, heuristics among them', () => {
    const members = [builtin('Safety'), builtin('ResponseLength', { max_length: 10 })].map((member) =>
      JSON.parse(serialized(member)),
    );
    const given = { ensemble_scorer_data: { ensemble_fn: 'majority_vote', scorers: members } };
    const judge = createRegisteredJudge(parseSerializedScorer(serialized(given)), () => ({
      sourceType: 'CODE',
      score: () => [],
    }));
    expect(judge).toMatchObject({ name: 'mine', level: 'trace' });
    expect(() =>
      createRegisteredJudge(parseSerializedScorer(serialized(given)), () => ({ unsupported: 'not here' })),
    ).toThrow('mine: not here');
  });

  test('is none where the scorer is a heuristic or code', () => {
    expect(parse(builtin('ResponseLength', { max_length: 10 }))).toBeUndefined();
    expect(parse({ call_source: 'return 1', call_signature: '(outputs)' })).toBeUndefined();
  });

  test.each([
    [builtin('Nonsense'), 'builtin_scorer_class: '],
    [builtin('Guidelines'), 'Guidelines.guidelines: must be a text or a list of texts'],
    [builtin('ToolCallCorrectness', { should_exact_match: 'maybe' }), 'should_exact_match'],
    [builtin('Safety', { inference_params: 'hot' }), 'inference_params'],
    [instructions({ feedback_value_type: { type: 'object' } }), 'feedback_value_type: must be the JSON Schema of'],
    [instructions({ feedback_value_type: 'int' }), 'feedback_value_type'],
    [
      { ensemble_scorer_data: { ensemble_fn: 'median', scorers: [JSON.parse(serialized(builtin('Safety')))] } },
      'ensemble_fn',
    ],
  ])('%j is refused', (given, message) => {
    expect(() => parse(given)).toThrow(InvalidJudgeError);
    expect(() => parse(given)).toThrow(message);
  });
});
