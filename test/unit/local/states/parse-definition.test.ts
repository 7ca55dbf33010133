import { describe, expect, it } from 'vitest';
import { parseDefinition } from '../../../../local/states/parse-definition.ts';
import { definition } from '../../../support/states/a-machine.ts';

const pass = { Type: 'Pass', End: true };

describe('a definition', () => {
  it.each([
    ['leads to B, which is no state', { A: { Type: 'Pass', Next: 'B' } }],
    ['leads to B, which is no state', { A: { Type: 'Choice', Choices: [], Default: 'B' } }],
    ['leads to B, which is no state', { A: { ...pass, Type: 'Parallel', Branches: [{ StartAt: 'B', States: {} }] } }],
    ['a state needs either Next or End', { A: { Type: 'Pass' } }],
    ['unknown type Loop', { A: { Type: 'Loop', End: true } }],
    ['/States/A/Output/n: $states.input. is no JSONata', { A: { ...pass, Output: { n: '{% $states.input. %}' } } }],
    ['does not know ResultPath', { A: { ...pass, ResultPath: '$.a' } }],
    ['runs JSONata only', { A: { ...pass, QueryLanguage: 'JSONPath' } }],
    [
      'cannot run arn:aws:states:::sns:publish',
      { A: { ...pass, Type: 'Task', Resource: 'arn:aws:states:::sns:publish' } },
    ],
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
    expect(() => parseDefinition(definition(states))).toThrow(text);
  });

  it('of JSONPath is refused', () => {
    expect(() => parseDefinition(JSON.stringify({ StartAt: 'A', States: { A: pass } }))).toThrow('JSONata only');
  });
});
