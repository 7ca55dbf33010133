import { describe, expect, it } from 'vitest';
import { parseDefinition } from '../../../../local/states/parse-definition.ts';
import { definition } from '../../../support/states/a-machine.ts';

const pass = { Type: 'Pass', End: true };

function distributed(rest: object): object {
  const ItemProcessor = { ProcessorConfig: { Mode: 'DISTRIBUTED' }, StartAt: 'B', States: { B: pass } };
  return { A: { ...pass, Type: 'Map', ItemProcessor, ...rest } };
}

function task(rest: object): object {
  const Resource = 'arn:aws:states:::lambda:invoke';
  return { A: { ...pass, Type: 'Task', Resource, ...rest }, B: pass };
}

describe('a definition', () => {
  it.each([
    ['leads to B, which is no state', { A: { Type: 'Pass', Next: 'B' } }],
    ['leads to B, which is no state', { A: { Type: 'Choice', Choices: [], Default: 'B' } }],
    ['leads to B, which is no state', { A: { ...pass, Type: 'Parallel', Branches: [{ StartAt: 'B', States: {} }] } }],
    ['state A needs either Next or End', { A: { Type: 'Pass' } }],
    ['unknown type Loop', { A: { Type: 'Loop', End: true } }],
    ['/States/A/Output/n: $states.input. is no JSONata', { A: { ...pass, Output: { n: '{% $states.input. %}' } } }],
    ['does not know ResultPath', { A: { ...pass, ResultPath: '$.a' } }],
    ['runs JSONata only', { A: { ...pass, QueryLanguage: 'JSONPath' } }],
    [
      'cannot run arn:aws:states:::sns:publish',
      { A: { ...pass, Type: 'Task', Resource: 'arn:aws:states:::sns:publish' } },
    ],
    ['does not know MaxItemsPath', distributed({ ItemReader: { ReaderConfig: { MaxItemsPath: '$.n' } } })],
    ['does not know ResultPath', task({ Catch: [{ ErrorEquals: ['A'], Next: 'B', ResultPath: '$' }] })],
    [
      'cannot run arn:aws:states:::lambda:invoke.waitForTaskToken',
      { A: { ...pass, Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' } },
    ],
    [
      'ItemBatcher belongs to a distributed map',
      { A: { ...pass, Type: 'Map', ItemProcessor: { StartAt: 'B', States: { B: pass } }, ItemBatcher: {} } },
    ],
    [
      'does not read PARQUET',
      {
        A: {
          ...{ ...pass, Type: 'Map', ItemReader: { ReaderConfig: { InputType: 'PARQUET' } } },
          ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, StartAt: 'B', States: { B: pass } },
        },
      },
    ],
  ])('that cannot be run is refused: %s', (text, states) => {
    expect(() => parseDefinition(definition(states as Record<string, unknown>))).toThrow(text);
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
  // https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
  // https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
  it.each([
    ['a name has at most 80 characters', { ['x'.repeat(81)]: pass }],
    ['a label has 1 to 40 characters', distributed({ Label: 'x'.repeat(41) })],
    ['a label has 1 to 40 characters', distributed({ Label: 'my slices' })],
    ['a result writer has a resource', distributed({ ResultWriter: {} })],
    ['batches are limited by items, bytes or both', distributed({ ItemBatcher: { BatchInput: 1 } })],
    ['a batch has at most 262144 bytes', distributed({ ItemBatcher: { MaxInputBytesPerBatch: 262_145 } })],
    ['States.ALL stands alone, and last', task({ Retry: [{ ErrorEquals: ['A', 'States.ALL'] }] })],
    [
      'States.ALL stands alone, and last',
      task({
        Catch: [
          { ErrorEquals: ['States.ALL'], Next: 'B' },
          { ErrorEquals: ['A'], Next: 'B' },
        ],
      }),
    ],
    ['$states.result is not there in Arguments', task({ Arguments: { a: ['{% $states.result.a %}'] } })],
    ['$states.result is not there in Output', { A: { ...pass, Output: '{% $states.result %}' } }],
    ['$states.errorOutput is not there in Output', task({ Output: '{% $states.errorOutput.Error %}' })],
  ])('that AWS would refuse is refused: %s', (text, states) => {
    expect(() => parseDefinition(definition(states as Record<string, unknown>))).toThrow(text);
  });

  it('may use what a state gives where it is there', () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput.Error %}', Next: 'B' }];
    const states = task({ Output: '{% $states.result %}', Assign: { x: '{% $states.result %}' }, Catch });
    expect(parseDefinition(definition(states as Record<string, unknown>)).StartAt).toBe('A');
  });

  it('of JSONPath is refused', () => {
    expect(() => parseDefinition(JSON.stringify({ StartAt: 'A', States: { A: pass } }))).toThrow('JSONata only');
  });
});
