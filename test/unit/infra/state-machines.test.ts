import aslValidator from 'asl-validator';
import { expect, it } from 'vitest';
import { failureOf } from '../../../infra/constructs/failure-of.ts';
import { evaluate } from '../../../local/states/expressions.ts';
import { parseDefinition } from '../../../local/states/parse-definition.ts';
import { synthesizedApp } from '../../support/synth.ts';

const [machine] = Object.values(synthesizedApp().monitoring.findResources('AWS::StepFunctions::StateMachine'));
const [separator, parts]: [string, readonly unknown[]] = machine?.Properties.DefinitionString['Fn::Join'] ?? ['', []];
/** As it is deployed, but for the names that are not known yet. */
const definition = parts.map((part) => (typeof part === 'string' ? part : 'aws')).join(separator);

it('the machine of backfills is one that the validator has nothing against', () => {
  const { isValid, errorsText } = aslValidator(JSON.parse(definition), { checkPaths: true, checkArn: false });
  expect([isValid, isValid ? '' : errorsText()]).toEqual([true, '']);
});

/** What the validator passes by: engines that were tried accept each of these. */
it.each([
  ['a field of the batcher that is misspelt', '"MaxItemsPerBatch"', '"MaxItemsPerBatches"'],
  ['a kind of input that there is not', '"InputType":"JSONL"', '"InputType":"JSNL"'],
  ['a reader in an inline map', '"Mode":"DISTRIBUTED"', '"Mode":"INLINE"'],
])('the local stack reads it, and would not start it with %s', (_, right, wrong) => {
  expect(() => parseDefinition(definition)).not.toThrow();
  expect(definition).toContain(right);
  expect(() => parseDefinition(definition.replaceAll(right, wrong))).toThrow();
});

it.each([
  ['errorMessage', { errorType: 'Error', errorMessage: 'NaN is none', trace: ['at x'] }, 'Error: NaN is none'],
  ['StateChangeReason', { Query: 'SELECT', Status: { StateChangeReason: 'no such table' } }, 'Error: no such table'],
  ['errorMessage', { other: 1 }, 'Error: {"other":1}'],
  ['errorMessage', undefined, 'Error: '],
] as const)('of a failure %s is told, or all that there is', async (field, cause, told) => {
  const errorOutput = { Error: 'Error', ...(cause && { Cause: JSON.stringify(cause) }) };
  expect(await evaluate(failureOf(field), { states: { errorOutput } }, 'Assign')).toBe(told);
});
