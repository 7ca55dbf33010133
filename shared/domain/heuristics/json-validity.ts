import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { compileLinearRegex } from '../linear-regex.ts';
import type { JsonValue } from '../span.ts';
import type { JsonSchema, JsonValidityDefinition } from './definition.ts';
import { excerpt, type Heuristic, noOutputs, verdict } from './heuristic.ts';
import { responseJson } from './response-text.ts';

/** A JSON Schema that cannot be compiled; the message says where. */
export class InvalidSchemaError extends Error {
  override readonly name = 'InvalidSchemaError';
}

/**
 * Passes where the response is JSON and, with a schema, fits it.
 * @throws InvalidSchemaError
 */
export function jsonValidity({ schema }: JsonValidityDefinition): Heuristic {
  const validate = schema === undefined ? undefined : compileSchema(schema);
  return ({ outputs }) => {
    if (outputs === undefined || outputs === null) return noOutputs();
    const parsed = parse(responseJson(outputs));
    if ('problem' in parsed) return verdict(false, parsed.problem);
    if (validate === undefined) return verdict(true, 'The response is valid JSON.');
    return validate(parsed.value)
      ? verdict(true, 'The response is JSON that fits the schema.')
      : verdict(false, `The response is JSON that does not fit the schema: ${describe(validate.errors ?? [])}.`);
  };
}

function parse(response: { text: string } | { value: JsonValue }): { value: JsonValue } | { problem: string } {
  if ('value' in response) return response;
  try {
    return { value: JSON.parse(response.text) };
  } catch (error) {
    const fenced = /^\s*```/.test(response.text) ? ' It is wrapped in a Markdown code fence.' : '';
    return {
      problem: `The response is not valid JSON: ${excerpt(error instanceof Error ? error.message : '', 160)}.${fenced}`,
    };
  }
}

/** Patterns of the schema run in linear time too: they meet whatever a model writes. */
const regExp = Object.assign(
  (pattern: string) => {
    const regex = compileLinearRegex(pattern);
    return { test: (text: string) => regex.test(text) };
  },
  // Only used where ajv writes code to a file, which is never.
  { code: 'compileLinearRegex' },
);

const options = { strict: false, validateFormats: false, allErrors: false, code: { regExp } } as const;

function compileSchema(schema: JsonSchema): ValidateFunction {
  const ajv = schemaCompiler(schema);
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw new InvalidSchemaError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function schemaCompiler(schema: JsonSchema): Ajv {
  const dialect = typeof schema === 'object' ? String(schema.$schema ?? '') : '';
  if (dialect.includes('2020-12')) return new Ajv2020(options);
  return dialect.includes('2019-09') ? new Ajv2019(options) : new Ajv(options);
}

const maxErrors = 3;

/** `/items/0/price must be number`. */
function describe(errors: readonly ErrorObject[]): string {
  const lines = errors.slice(0, maxErrors).map(({ instancePath, message, params, keyword }) => {
    const where = instancePath === '' ? 'the response' : excerpt(instancePath, 120);
    return `${where} ${message ?? 'is wrong'}${detail(keyword, params)}`;
  });
  return lines.join('; ');
}

function detail(keyword: string, params: Record<string, unknown>): string {
  if (keyword === 'additionalProperties') return `: "${excerpt(String(params.additionalProperty), 40)}"`;
  if (keyword === 'enum') return `: ${excerpt(JSON.stringify(params.allowedValues), 120)}`;
  return keyword === 'const' ? `: ${excerpt(JSON.stringify(params.allowedValue), 80)}` : '';
}
