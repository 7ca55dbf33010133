import { describe, expect, test } from 'vitest';
import { parseCustomPrompt } from '../../../shared/contracts/custom-prompt.ts';
import { createScorer, parseSerializedScorer } from '../../../shared/contracts/serialized-scorer.ts';
import { InvalidJudgeError } from '../../../shared/domain/judging/definition.ts';

describe('a custom prompt', () => {
  test('has a template, and maybe numbers for its choices', () => {
    const given = {
      prompt_template: '{{ response }} [[a]] [[b]]',
      numeric_values: { a: 1, b: 0 },
      model: 'bedrock:/x',
    };
    expect(parseCustomPrompt('mine', given)).toEqual({
      kind: 'custom-prompt',
      name: 'mine',
      template: '{{ response }} [[a]] [[b]]',
      numericValues: { a: 1, b: 0 },
      model: 'bedrock:/x',
    });
  });

  test.each([
    [{}],
    [{ prompt_template: '' }],
    [{ prompt_template: 'no {{ outputs }} choices' }],
    [{ prompt_template: 'x', numeric_values: { a: 'one' } }],
    [{ prompt_template: '{{ outputs }} [[a]] [[b]]', numeric_values: { a: 1 } }],
    ['x'],
  ])('%j is refused', (given) => {
    expect(() => parseCustomPrompt('mine', given)).toThrow(InvalidJudgeError);
  });
});

describe('a scorer with a custom prompt', () => {
  const serialized = (prompt: unknown) => JSON.stringify({ name: 'mine', assay_custom_prompt: prompt });

  test('is a judge of what its template names', () => {
    const judging = (template: string) => createScorer({ serialized: serialized({ prompt_template: template }) });
    expect(judging('{{ outputs }} [[a]] [[b]]')).toMatchObject({ judge: { name: 'mine', level: 'trace' } });
    expect(judging('{{ conversation }} [[a]] [[b]]')).toMatchObject({ judge: { level: 'session' } });
  });

  test('is refused where it is registered, with what is wrong', () => {
    expect(() => parseSerializedScorer(serialized({ prompt_template: '{{ outputs }}' }))).toThrow(/double brackets/);
  });
});
