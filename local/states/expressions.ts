import { createHash, randomUUID } from 'node:crypto';
import jsonata from 'jsonata';
import { StateError } from './state-error.ts';

/** What expressions see: `$states` and the variables. */
export type Bindings = Readonly<Record<string, unknown>>;

/**
 * The value with every string of the form `{% … %}` in it evaluated. Throws States.QueryEvaluationError where an expression fails or gives
 * what is no JSON. Source: Step Functions developer guide, "Transforming data with JSONata in Step Functions"; the error texts are those
 * that AWS gives.
 */
export async function evaluate(template: unknown, bindings: Bindings, field: string): Promise<unknown> {
  if (typeof template === 'string') return evaluateText(template, bindings, field);
  if (Array.isArray(template))
    return Promise.all(template.map((member, i) => evaluate(member, bindings, `${field}[${i}]`)));
  if (typeof template !== 'object' || template === null) return template;
  const members = Object.entries(template).map(
    async ([name, member]) => [name, await evaluate(member, bindings, `${field}/${name}`)] as const,
  );
  return Object.fromEntries(await Promise.all(members));
}

/** The JSONata of a text that is evaluated; other texts are what they are. */
export function expressionIn(text: string): string | undefined {
  return /^\{%(.*)%\}$/s.exec(text)?.[1];
}

async function evaluateText(text: string, bindings: Bindings, field: string): Promise<unknown> {
  const expression = expressionIn(text);
  if (expression === undefined) return text;
  const failed = (what: string) =>
    new StateError(
      'States.QueryEvaluationError',
      `The JSONata expression '${expression.trim()}' specified for the field '${field}' ${what}`,
    );
  let value: unknown;
  try {
    // $eval is not there, $parse is; a name that is bound to nothing hides the one of the library.
    value = await compiled(expression).evaluate(undefined, { ...bindings, eval: undefined });
  } catch (error) {
    throw failed(`threw an error during evaluation. ${(error as Error).message}`);
  }
  if (value === undefined) throw failed('returned nothing (undefined).');
  const json = JSON.stringify(value, (_, member) => {
    if (isFunction(member)) throw failed('returned an unsupported result type.');
    return member;
  });
  return JSON.parse(json);
}

function isFunction(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return typeof value === 'object' && value !== null && ('_jsonata_function' in value || '_jsonata_lambda' in value);
}

const cache = new Map<string, jsonata.Expression>();

function compiled(expression: string): jsonata.Expression {
  const known = cache.get(expression);
  if (known) return known;
  const made = jsonata(expression);
  for (const [name, { implementation, signature }] of Object.entries(functions))
    made.registerFunction(name, implementation, signature);
  cache.set(expression, made);
  return made;
}

type Implementation = Parameters<jsonata.Expression['registerFunction']>[1];

/** What Step Functions adds to JSONata: developer guide, "JSONata functions provided by Step Functions". */
const functions: Readonly<Record<string, { implementation: Implementation; signature?: string }>> = {
  partition: {
    implementation: (array: readonly unknown[], size: number) =>
      Array.from({ length: Math.ceil(array.length / size) }, (_, i) => array.slice(i * size, (i + 1) * size)),
    signature: '<a-n:a>',
  },
  range: {
    implementation: (first: number, last: number, step: number) =>
      Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, i) => first + i * step),
    signature: '<nnn:a>',
  },
  hash: {
    implementation: (text: string, algorithm: string) =>
      createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest('hex'),
    signature: '<s-s:s>',
  },
  uuid: { implementation: () => randomUUID(), signature: '<:s>' },
  random: {
    implementation: (seed?: number) => {
      if (seed !== undefined) throw new Error('the local stack has no $random with a seed');
      return Math.random();
    },
  },
  parse: { implementation: (text: string) => JSON.parse(text), signature: '<s-:x>' },
};

/** A value that must be a whole number of at least 0. */
export async function evaluateInteger(template: unknown, bindings: Bindings, field: string): Promise<number> {
  const value = await evaluate(template, bindings, field);
  if (!Number.isInteger(value) || (value as number) < 0)
    throw unexpected(value, { template, field, expected: 'a non-negative integer' });
  return value as number;
}

export function unexpected(
  value: unknown,
  { template, field, expected }: { template: unknown; field: string; expected: string },
): StateError {
  const text = String(template).replace(/^\{%\s*|\s*%\}$/g, '');
  return new StateError(
    'States.QueryEvaluationError',
    `The JSONata expression '${text}' specified for the field '${field}' returned an unexpected result type. Expected '${expected}', but was '${typeName(value)}' for value: ${JSON.stringify(value)}`,
  );
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
