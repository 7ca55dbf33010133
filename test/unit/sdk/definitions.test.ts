import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type BuiltinScorer,
  builtinJudge,
  customPrompt,
  guidelines,
  heuristic,
  InvalidParameterError,
  instructions,
  javascript,
  lambdaFunction,
  python,
  serialized,
} from '../../../sdk/index.ts';
import { builtinClasses } from '../../../shared/contracts/mlflow-clients.ts';
import { createScorer, parseSerializedScorer } from '../../../shared/contracts/serialized-scorer.ts';

const names = {
  ...{ Completeness: 1, ConversationCompleteness: 1, ConversationalGuidelines: 1, ConversationalRoleAdherence: 1 },
  ...{ ConversationalSafety: 1, ConversationalToolCallEfficiency: 1, Correctness: 1, Equivalence: 1, Fluency: 1 },
  ...{ ExpectationsGuidelines: 1, Guidelines: 1, KnowledgeRetention: 1, PIIDetection: 1, RegexMatch: 1, Safety: 1 },
  ...{ RelevanceToQuery: 1, ResponseLength: 1, RetrievalGroundedness: 1, RetrievalRelevance: 1, Summarization: 1 },
  ...{ RetrievalSufficiency: 1, ToolCallCorrectness: 1, ToolCallEfficiency: 1, UserFrustration: 1 },
} satisfies Record<BuiltinScorer, 1>;

describe('a definition', () => {
  it.each([
    [
      'a built-in judge',
      builtinJudge('Safety', { model: 'openai:/m' }),
      { judge: { level: 'trace', model: 'openai:/m' } },
    ],
    ['a judge of sessions', builtinJudge('UserFrustration'), { judge: { level: 'session' } }],
    ['one guideline', guidelines('be polite'), { judge: { level: 'trace' } }],
    ['guidelines', guidelines(['be polite', 'be short'], { model: 'openai:/m' }), { judge: { model: 'openai:/m' } }],
    [
      'instructions',
      instructions('How good are {{ outputs }}?', { result: ['good', 'bad'] }),
      { judge: { level: 'trace' } },
    ],
    ['instructions for a conversation', instructions('{{ conversation }}'), { judge: { level: 'session' } }],
    [
      'a prompt',
      customPrompt('Is {{ outputs }} [[a]] or [[b]]?', { numericValues: { a: 1, b: 0 } }),
      { judge: { name: 'mine' } },
    ],
    ['a heuristic', heuristic('response_length', { max: 5 }), { sourceType: 'CODE' }],
    ['JavaScript', javascript('(inputs, outputs) => outputs.length < 5'), { sourceType: 'CODE' }],
    ['Python', python('return len(outputs) < 5', { signature: '(outputs)' }), { sourceType: 'CODE' }],
    ['a Lambda function', lambdaFunction('assay-scorer-tone'), { sourceType: 'CODE' }],
  ])('of %s is one that Assay runs', (_, definition, runnable) => {
    expect(createScorer({ serialized: definition.serialize('mine') })).toMatchObject(runnable);
  });

  it('gives a judge the name that it is registered with', () => {
    expect(JSON.parse(builtinJudge('Safety').serialize('house_rules'))).toEqual({
      name: 'house_rules',
      serialization_version: 1,
      builtin_scorer_class: 'Safety',
      builtin_scorer_pydantic_data: { name: 'house_rules' },
    });
  });

  it.each([
    ['text', { type: 'string' }],
    ['integer', { type: 'integer' }],
    [['yes', 'no'], { type: 'string', enum: ['yes', 'no'] }],
  ] as const)('of instructions asks for %s', (result, type) => {
    const { instructions_judge_pydantic_data: data } = JSON.parse(
      instructions('{{ inputs }}', { result }).serialize('x'),
    );
    expect(data).toEqual({ instructions: '{{ inputs }}', feedback_value_type: type });
  });

  it.each([[['only']], [['a', '']], ['verse']])('of instructions cannot ask for %j', (result) => {
    expect(() => instructions('{{ inputs }}', { result: result as 'text' })).toThrow(InvalidParameterError);
  });

  it('that was serialized elsewhere stays as it is', () => {
    expect(serialized('{"name": "x"}').serialize('y')).toBe('{"name": "x"}');
  });

  it('never changes', () => {
    expect(Object.isFrozen(heuristic('pii'))).toBe(true);
  });

  it('of Python is the function that it names', () => {
    const text = python('return True', { signature: '(outputs)' }).serialize('mine');
    expect(parseSerializedScorer(text)).toMatchObject({ kind: 'code', source: 'return True', functionName: 'mine' });
  });
});

it('names the built-in scorers that Assay knows, all of them', () => {
  expect(Object.keys(names).sort()).toEqual(Object.keys(builtinClasses).sort());
  expectTypeOf<keyof typeof names>().toEqualTypeOf<BuiltinScorer>();
});
