import type { ScorableSpan } from '../scorable-trace.ts';
import type { Attributes, AttributeValue } from '../span.ts';

/**
 * What a condition on spans compares: `name`, `type`, `status`, `content` (all the texts of the span) or `attributes.<key>`.
 * An attribute compares as its value, where MLflow's store compares its JSON text, whose quotes let `=` never match.
 */
export function spanText(key: string): (span: ScorableSpan) => string | undefined {
  if (key === 'name') return ({ span }) => span.name;
  if (key === 'type') return ({ facts }) => facts.type;
  if (key === 'status') return ({ span }) => span.status.code;
  if (key === 'content') return contentOf;
  const attribute = key.slice('attributes.'.length);
  return ({ span }) =>
    Object.hasOwn(span.attributes, attribute) ? attributeText(span.attributes[attribute]) : undefined;
}

/** Name, status message, attributes and events, a line each. */
function contentOf({ span }: ScorableSpan): string {
  const events = span.events.flatMap((event) => [event.name, ...attributeLines(event.attributes)]);
  return [span.name, span.status.message, ...attributeLines(span.attributes), ...events].join('\n');
}

function attributeLines(attributes: Attributes): string[] {
  return Object.entries(attributes).map(([key, value]) => `${key}: ${attributeText(value)}`);
}

/** The MLflow client sends every value as JSON text: a string comes between quotes, which are not part of it. */
function attributeText(value: AttributeValue | undefined): string {
  if (typeof value === 'string') return value.startsWith('"') ? unquoteJson(value) : value;
  return typeof value === 'object' ? JSON.stringify(value, jsonable) : String(value);
}

function unquoteJson(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

function jsonable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
