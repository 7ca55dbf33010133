interface Schema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly minItems?: number;
}

const unsupported = [
  'minimum',
  'maximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'maxItems',
  'patternProperties',
  'not',
  'if',
  'oneOf',
];

/**
 * What keeps a schema from structured output. Sources: OpenAI's guide "Structured Outputs", section "Supported schemas" (all members required,
 * additionalProperties false, strict); Bedrock's user guide, structured-output.html, and Anthropic's "Structured outputs", "JSON Schema
 * limitations" (no bounds on numbers and texts, minItems 0 or 1).
 */
export function schemaProblems(
  schema: unknown,
  { isStrict, path = 'schema' }: { isStrict: boolean; path?: string },
): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [`${path}: expected an object`];
  const { properties, required = [], additionalProperties, items, anyOf, minItems = 0, ...rest } = schema as Schema;
  const problems = unsupported.filter((word) => word in rest).map((word) => `${path}: ${word} is not supported`);
  if (minItems > 1) problems.push(`${path}: minItems above 1 is not supported`);
  if (properties !== undefined && additionalProperties !== false)
    problems.push(`${path}: additionalProperties must be false`);
  const optional = Object.keys(properties ?? {}).filter((name) => !required.includes(name));
  if (isStrict && optional.length > 0) problems.push(`${path}: ${optional.join(', ')} must be required`);
  const inner: [string, Schema][] = [
    ...Object.entries(properties ?? {}),
    ...(items ? [['items', items] as [string, Schema]] : []),
    ...(anyOf ?? []).map((member, i): [string, Schema] => [`anyOf.${i}`, member]),
  ];
  return [
    ...problems,
    ...inner.flatMap(([name, member]) => schemaProblems(member, { isStrict, path: `${path}.${name}` })),
  ];
}
