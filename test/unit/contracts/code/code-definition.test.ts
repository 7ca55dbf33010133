import { describe, expect, it } from 'vitest';
import { parseCodeDefinition } from '../../../../shared/contracts/code/code-definition.ts';
import { parseSerializedScorer } from '../../../../shared/contracts/parse-serialized-scorer.ts';
import { createScorer } from '../../../../shared/contracts/serialized-scorer.ts';
import { aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';

const javascript = (source: string) => ({ language: 'javascript', source });

describe('code that is registered', () => {
  it.each([
    ['an arrow function', '(inputs, outputs) => true'],
    ['a function', 'function score(inputs) { return 1 }'],
    ['a script', 'const n = 1;\n(inputs) => n'],
    ['with a comment at its end', '() => 1 // one'],
  ])('may be %s', (_, source) => {
    expect(parseCodeDefinition(javascript(source))).toEqual(javascript(source));
  });

  it('is never run to be checked', () => {
    expect(() => parseCodeDefinition(javascript('globalThis.wasRun = true; () => 1'))).not.toThrow();
    expect('wasRun' in globalThis).toBe(false);
  });

  it.each([
    ['a syntax error, with its line', javascript('(inputs) => {\n  return )\n}'), "Unexpected token ')' (line 2)"],
    ['a module', javascript('import fs from "node:fs"; () => 1'), 'source is no JavaScript'],
    ['nothing', javascript(''), 'assay_code.source: must not be empty'],
    ['too much', javascript(`() => "${'x'.repeat(70_000)}"`), 'at most 65536 characters'],
    ['another language', { language: 'ruby', source: '' }, 'language must be javascript or lambda'],
    ['a function that is not meant for it', { language: 'lambda', function: 'billing' }, 'begins with assay-scorer-'],
    [
      'a function of another account',
      { language: 'lambda', function: 'arn:aws:lambda:us-east-1:1:function:assay-scorer-a' },
      'of this account',
    ],
    ['a pattern', { language: 'lambda', function: 'assay-scorer-*' }, 'begins with assay-scorer-'],
    ['a misspelt field', { ...javascript('() => 1'), timeout: 3 }, 'assay_code'],
  ])('is refused: %s', (_, given, message) => {
    expect(() => parseCodeDefinition(given)).toThrow(message);
  });

  it.each(['assay-scorer-tone', 'assay-scorer-tone:7', 'assay-scorer-tone:live'])('may be the function %s', (name) => {
    expect(parseCodeDefinition({ language: 'lambda', function: name })).toEqual({
      language: 'lambda',
      functionName: name,
    });
  });
});

describe('a serialized scorer with code', () => {
  const decorator = { name: 'n', call_source: 'return True', call_signature: '(outputs)', original_func_name: 'f' };

  it("keeps what MLflow's decorator stored", () => {
    expect(parseSerializedScorer(JSON.stringify(decorator))).toMatchObject({
      kind: 'code',
      source: 'return True',
      signature: '(outputs)',
      functionName: 'f',
    });
  });

  it('tells at registration what cannot be compiled', () => {
    const serialized = JSON.stringify({ name: 'n', assay_code: javascript('(') });
    expect(() => parseSerializedScorer(serialized)).toThrow(/source is no JavaScript/);
  });

  it('can be started, and runs what it is given to run with', async () => {
    const serialized = JSON.stringify({ name: 'n', assay_code: javascript('() => true') });
    const scorer = createScorer({ serialized }, async (definition, { traceId }) => ({
      returned: JSON.stringify(`${definition.language} ${traceId}`),
    }));
    if (!('score' in scorer)) throw new Error('not supported');
    expect(await scorer.score(aScorableTrace({ traceId: 'tr-1' }))).toEqual([{ value: 'javascript tr-1' }]);
  });

  it('cannot be started where it judges sessions', () => {
    const code = { name: 'n', assay_code: javascript('() => 1'), is_session_level_scorer: true };
    expect(createScorer({ serialized: JSON.stringify(code) })).toEqual({
      unsupported: expect.stringContaining('judge traces, not sessions'),
    });
  });
});
