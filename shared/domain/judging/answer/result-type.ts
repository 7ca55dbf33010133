import { isList, isRecord } from '../../json-value.ts';
import type { JsonValue } from '../../span.ts';
import { readYesNo } from './yes-no.ts';

/** What a judge's result is: MLflow's `feedback_value_type`, and the rating of its built-in judges. */
export type ResultType =
  | { readonly kind: 'rating' }
  | { readonly kind: Primitive }
  | { readonly kind: 'choice'; readonly values: readonly Choice[] }
  | { readonly kind: 'optional'; readonly of: Primitive }
  | { readonly kind: 'list'; readonly of: Primitive }
  | { readonly kind: 'map'; readonly of: Primitive };

type Primitive = 'string' | 'integer' | 'number' | 'boolean';
type Choice = string | number | boolean;

export type CastResult = { readonly value: JsonValue } | { readonly problem: string };

/** The result that a type makes of what a model gave, or why it is none. */
export function castResult(type: ResultType, given: JsonValue | undefined): CastResult {
  if (given === undefined) return { problem: 'it has no "result"' };
  switch (type.kind) {
    case 'rating':
      return cast(given, { read: readRating, expected: describeType(type) });
    case 'choice':
      return cast(given, { read: (value) => readChoice(value, type.values), expected: describeType(type) });
    case 'optional':
      return isNothing(given) ? { value: null } : castPrimitive(type.of, given);
    case 'list':
      return castList(type.of, given);
    case 'map':
      return castMap(type.of, given);
    default:
      return castPrimitive(type.kind, given);
  }
}

/** As the task tells it to the model. */
export function describeType(type: ResultType): string {
  switch (type.kind) {
    case 'rating':
      return '"yes" or "no"';
    case 'choice':
      return `exactly one of ${type.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'optional':
      return `${names[type.of]}, or null`;
    case 'list':
      return `a list, each member ${names[type.of]}`;
    case 'map':
      return `a list of objects with a "key" and a "value", each key a text used once, each value ${names[type.of]}`;
    default:
      return names[type.kind];
  }
}

const names: Readonly<Record<Primitive, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

/** The type as JSON Schema, within what OpenAI's strict mode and Bedrock's structured output take. */
export function resultSchema(type: ResultType): JsonValue {
  switch (type.kind) {
    case 'rating':
      return { type: 'string', enum: ['yes', 'no'] };
    case 'choice':
      return choiceSchema(type.values);
    case 'optional':
      return { anyOf: [{ type: type.of }, { type: 'null' }] };
    case 'list':
      return { type: 'array', items: { type: type.of } };
    case 'map':
      // Objects with free keys are not among what they take.
      return {
        type: 'array',
        items: {
          type: 'object',
          properties: { key: { type: 'string' }, value: { type: type.of } },
          required: ['key', 'value'],
          additionalProperties: false,
        },
      };
    default:
      return { type: type.kind };
  }
}

/** Every value under its own type: strict schemas want one beside each enum. */
function choiceSchema(values: readonly Choice[]): JsonValue {
  const byType = Map.groupBy(values, (value) => (typeof value === 'number' ? 'number' : typeof value));
  const schemas = [...byType].map(([type, members]) => ({ type, enum: members }));
  const [only] = schemas;
  return schemas.length === 1 && only ? only : { anyOf: schemas };
}

function cast(
  given: JsonValue,
  { read, expected }: { read: (value: Choice) => Choice | undefined; expected: string },
): CastResult {
  const single = isList(given) && given.length === 1 ? (given[0] as JsonValue) : given;
  const value = isPrimitive(single) ? read(single) : undefined;
  return value === undefined ? { problem: `its result is ${excerptOf(given)}, expected ${expected}` } : { value };
}

function castPrimitive(type: Primitive, given: JsonValue): CastResult {
  return cast(given, { read: primitiveReaders[type], expected: names[type] });
}

const primitiveReaders: Readonly<Record<Primitive, (value: Choice) => Choice | undefined>> = {
  string: (value) => String(value),
  integer: (value) => {
    const number = readNumber(value);
    return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
  },
  number: readNumber,
  boolean: readYesNo,
};

function readNumber(value: Choice): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || !/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*$/i.test(value)) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function readRating(value: Choice): 'yes' | 'no' | undefined {
  const yes = readYesNo(value);
  if (yes === undefined) return undefined;
  return yes ? 'yes' : 'no';
}

/** The choice itself, else the only one that differs in case, quotes and such alone, else what a yes or no means among yes and no. */
function readChoice(value: Choice, choices: readonly Choice[]): Choice | undefined {
  if (choices.includes(value)) return value;
  const word = plainWord(value);
  const alike = choices.filter((choice) => plainWord(choice) === word);
  if (alike.length > 0) return alike.length === 1 ? alike[0] : undefined;
  const yesNo = readYesNo(value);
  const isYesNo = choices.length === 2 && choices.every((choice) => /^(?:yes|no|true|false)$/i.test(String(choice)));
  return isYesNo && yesNo !== undefined ? choices.find((choice) => readYesNo(choice) === yesNo) : undefined;
}

function plainWord(value: Choice): string {
  return String(value)
    .trim()
    .replace(/^[["'`*(]+|[\]"'`*).!]+$/g, '')
    .replace(/[\s_-]+/g, ' ')
    .toLowerCase();
}

function castList(of: Primitive, given: JsonValue): CastResult {
  if (!isList(given)) return { problem: `its result is ${excerptOf(given)}, expected a list` };
  const values: JsonValue[] = [];
  for (const member of given) {
    const result = castPrimitive(of, member);
    if ('problem' in result) return result;
    values.push(result.value);
  }
  return { value: values };
}

/** An object, or the list of keys and values that stands for one. */
function castMap(of: Primitive, given: JsonValue): CastResult {
  const entries = entriesOf(given);
  if (entries === undefined) return { problem: `its result is ${excerptOf(given)}, expected keys and values` };
  const values = new Map<string, JsonValue>();
  for (const [key, member] of entries) {
    const result = castPrimitive(of, member);
    if ('problem' in result) return result;
    if (values.has(key)) return { problem: `its result has the key ${excerptOf(key)} more than once` };
    values.set(key, result.value);
  }
  return { value: Object.fromEntries(values) };
}

function entriesOf(given: JsonValue): readonly (readonly [string, JsonValue])[] | undefined {
  if (isRecord(given)) return Object.entries(given);
  if (!isList(given)) return undefined;
  const entries = given.map((pair) =>
    isRecord(pair) && typeof pair.key === 'string' && pair.value !== undefined
      ? ([pair.key, pair.value] as const)
      : undefined,
  );
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function isPrimitive(value: JsonValue): value is Choice {
  return value !== null && typeof value !== 'object' && value !== '';
}

function isNothing(value: JsonValue): boolean {
  return value === null || (typeof value === 'string' && /^\s*(?:null|none)?\s*$/i.test(value));
}

function excerptOf(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
