import jsonata from 'jsonata';
import { problemOf } from './check-state.ts';
import type { ChoiceState, Definition, Flow, MapState, State, TaskState } from './definition.ts';
import { isDistributed } from './definition.ts';
import { expressionIn } from './expressions.ts';
import { integrationOf } from './integrations.ts';

const everywhere = ['Type', 'Comment', 'QueryLanguage'];
const flowing = [...everywhere, 'Next', 'End', 'Output', 'Assign'];
const recovering = [...flowing, 'Retry', 'Catch'];

/** Fields of JSONata states. What is not here is not run: better no start than another machine than the one that AWS would run. */
const fields: Readonly<Record<State['Type'], readonly string[]>> = {
  Pass: flowing,
  Succeed: [...everywhere, 'Output'],
  Fail: [...everywhere, 'Error', 'Cause'],
  Wait: [...flowing, 'Seconds', 'Timestamp'],
  Choice: [...everywhere, 'Choices', 'Default', 'Output', 'Assign'],
  Task: [...recovering, 'Resource', 'Arguments', 'TimeoutSeconds'],
  Parallel: [...recovering, 'Branches', 'Arguments'],
  Map: [
    ...recovering,
    'ItemProcessor',
    'Items',
    'ItemReader',
    'ItemSelector',
    'ItemBatcher',
    'MaxConcurrency',
    'ToleratedFailureCount',
    'ToleratedFailurePercentage',
    'ResultWriter',
    'Label',
  ],
};

/** Fields of what stands within a state, in one or in a list. */
const innerFields: Readonly<Record<string, readonly string[]>> = {
  Retry: ['ErrorEquals', 'IntervalSeconds', 'MaxAttempts', 'BackoffRate', 'MaxDelaySeconds', 'JitterStrategy'],
  Catch: ['ErrorEquals', 'Next', 'Output', 'Assign'],
  Choices: ['Condition', 'Next', 'Output', 'Assign'],
  ItemReader: ['Resource', 'ReaderConfig', 'Arguments'],
  ReaderConfig: [
    ...['InputType', 'ManifestType', 'Transformation', 'ItemsPointer', 'MaxItems'],
    ...['CSVHeaderLocation', 'CSVHeaders', 'CSVDelimiter'],
  ],
  ItemBatcher: ['MaxItemsPerBatch', 'MaxInputBytesPerBatch', 'BatchInput'],
  ResultWriter: ['Resource', 'Arguments', 'WriterConfig'],
  WriterConfig: ['OutputType', 'Transformation'],
  ItemProcessor: ['ProcessorConfig', 'StartAt', 'States'],
  ProcessorConfig: ['Mode', 'ExecutionType'],
  Branches: ['StartAt', 'States'],
};

/** Reads a definition. Throws where it says what cannot be run here, or leads to a state that is not there. */
export function parseDefinition(text: string): Definition {
  const definition = JSON.parse(text) as Definition & { readonly QueryLanguage?: string };
  const isJsonata = definition.QueryLanguage === 'JSONata';
  checkExpressions(definition, '');
  checkFlow(definition, isJsonata);
  return definition;
}

/** Each can be read; what it gives is seen once it is run. */
function checkExpressions(value: unknown, path: string): void {
  if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) checkExpressions(member, `${path}/${name}`);
  const expression = typeof value === 'string' ? expressionIn(value) : undefined;
  if (expression === undefined) return;
  try {
    jsonata(expression);
  } catch (error) {
    throw new Error(`${path}: ${expression.trim()} is no JSONata: ${(error as Error).message}`);
  }
}

function checkFlow(flow: Flow, isJsonata: boolean): void {
  checkTarget(flow, 'StartAt', flow.StartAt);
  for (const [name, state] of Object.entries(flow.States)) {
    if (((state as { QueryLanguage?: string }).QueryLanguage ?? (isJsonata ? 'JSONata' : 'JSONPath')) !== 'JSONata')
      throw new Error(`state ${name}: the local stack runs JSONata only`);
    checkFields(name, state);
    for (const target of targetsOf(name, state)) checkTarget(flow, name, target);
    for (const inner of flowsOf(state)) checkFlow(inner, isJsonata);
  }
}

function checkFields(name: string, state: State): void {
  const known = fields[state.Type];
  if (!known) throw new Error(`state ${name}: unknown type ${String(state.Type)}`);
  checkKnown(name, { value: state, known });
  const problem = problemOf(name, state);
  if (problem !== undefined) throw new Error(`state ${name}: ${problem}`);
  if (state.Type === 'Task') checkResource(name, state);
  if (state.Type === 'Map') checkMap(name, state);
}

function checkKnown(name: string, { value, known }: { value: object; known: readonly string[] }): void {
  for (const [field, member] of Object.entries(value)) {
    if (!known.includes(field)) throw new Error(`state ${name}: the local stack does not know ${field}`);
    const inner = innerFields[field];
    if (inner)
      for (const part of [member].flat()) checkKnown(name, { value: part as object, known: [...inner, 'Comment'] });
  }
}

function checkResource(name: string, { Resource }: TaskState): void {
  if (!integrationOf(Resource)) throw new Error(`state ${name}: the local stack cannot run ${Resource}`);
}

const distributedOnly = [
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
  'ToleratedFailureCount',
  'ToleratedFailurePercentage',
  'Label',
];

function checkMap(name: string, state: MapState): void {
  const misplaced = isDistributed(state) ? [] : distributedOnly.filter((field) => field in state);
  if (misplaced.length > 0) throw new Error(`state ${name}: ${misplaced.join(', ')} belongs to a distributed map`);
  const { InputType = 'JSON', ManifestType } = state.ItemReader?.ReaderConfig ?? {};
  if (!['CSV', 'JSON', 'JSONL'].includes(InputType) || (ManifestType ?? 'ATHENA_DATA') !== 'ATHENA_DATA')
    throw new Error(`state ${name}: the local stack does not read ${ManifestType ?? InputType}`);
}

function targetsOf(name: string, state: State): readonly string[] {
  if (state.Type === 'Fail' || state.Type === 'Succeed') return [];
  if (state.Type === 'Choice') return choiceTargets(state);
  if ((state.Next === undefined) === (state.End !== true)) throw new Error(`state ${name} needs either Next or End`);
  const caught = 'Catch' in state ? (state.Catch ?? []).map(({ Next }) => Next) : [];
  return state.Next === undefined ? caught : [state.Next, ...caught];
}

function choiceTargets({ Choices, Default }: ChoiceState): readonly string[] {
  return [...Choices.map(({ Next }) => Next), ...(Default === undefined ? [] : [Default])];
}

function flowsOf(state: State): readonly Flow[] {
  if (state.Type === 'Parallel') return state.Branches;
  return state.Type === 'Map' ? [state.ItemProcessor] : [];
}

function checkTarget({ States }: Flow, from: string, target: string): void {
  if (!(target in States)) throw new Error(`${from} leads to ${target}, which is no state`);
}
