import { ConverseRequest$ } from '@aws-sdk/client-bedrock-runtime';
import { NormalizedSchema } from '@smithy/core/schema';

/** Whether a body is a request of Converse by the service's own model, as the AWS SDK carries it; `modelId` stands in the path. */
export function converseProblems(body: unknown): readonly string[] {
  return check(NormalizedSchema.of(ConverseRequest$), body, '').filter((problem) => problem !== 'modelId: missing');
}

type Check = (schema: NormalizedSchema, value: unknown, path: string) => readonly string[];

const check: Check = (schema, value, path) => {
  if (schema.isDocumentSchema()) return [];
  if (schema.isStructSchema()) return checkStructure(schema, value, path);
  if (schema.isListSchema()) return checkList(schema, value, path);
  if (schema.isMapSchema()) return checkMap(schema, value, path);
  const type = schema.isBooleanSchema() ? 'boolean' : schema.isNumericSchema() ? 'number' : 'string';
  return typeof value === type ? [] : [`${path}: expected ${type}`];
};

const checkStructure: Check = (schema, value, path) => {
  if (!isObject(value)) return [`${path}: expected an object`];
  const members = schema.getMemberSchemas();
  const raw = schema.getSchema() as readonly unknown[];
  // Static schemas list required members first and end with how many there are.
  const required = schema.isUnionSchema() ? [] : Object.keys(members).slice(0, Number(raw[6] ?? 0));
  const problems = required.filter((name) => value[name] === undefined).map((name) => `${at(path, name)}: missing`);
  const names = Object.keys(value);
  if (schema.isUnionSchema() && names.length !== 1)
    problems.push(`${path}: expected one member, got ${names.join(', ')}`);
  return [
    ...problems,
    ...names.flatMap((name) => {
      const member = members[name];
      return member ? check(member, value[name], at(path, name)) : [`${at(path, name)}: unknown`];
    }),
  ];
};

const checkList: Check = (schema, value, path) =>
  Array.isArray(value)
    ? value.flatMap((member, i) => check(schema.getValueSchema(), member, at(path, String(i))))
    : [`${path}: expected a list`];

const checkMap: Check = (schema, value, path) =>
  isObject(value)
    ? Object.entries(value).flatMap(([name, member]) => check(schema.getValueSchema(), member, at(path, name)))
    : [`${path}: expected a map`];

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
