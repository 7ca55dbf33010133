import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from '../domain/span.ts';
import type { SpanRow } from './archive-columns.ts';

/** A row as it was unloaded: every value as text, times as epoch ms. */
export type Texts<Row> = { readonly [Column in keyof Row]?: string | null };

/**
 * The span that a row says. It is the one that was archived, but for what JSON has no words for: bytes come back as their base64 text, NaN
 * and the infinities as null, and a whole number beyond 2^53 as an integer, also where it was a double.
 */
export function archivedSpan(row: Texts<SpanRow>): Span {
  return {
    traceId: (row.trace_id ?? '').replace(/^tr-/, ''),
    spanId: row.span_id ?? '',
    ...(row.parent_span_id && { parentSpanId: row.parent_span_id }),
    name: row.name ?? '',
    kind: Number(row.kind ?? 0),
    startTimeUnixNano: BigInt(row.start_time_unix_nano ?? 0),
    endTimeUnixNano: BigInt(row.end_time_unix_nano ?? 0),
    attributes: {
      ...exactAttributes(row.attributes),
      ...putBack(row.inputs_attribute, { text: row.inputs, isStructured: row.inputs_structured === 'true' }),
      ...putBack(row.outputs_attribute, { text: row.outputs, isStructured: row.outputs_structured === 'true' }),
    },
    events: list(row.events).map(toEvent),
    links: list(row.links) as unknown as readonly SpanLink[],
    status: { code: (row.status_code ?? 'UNSET') as Span['status']['code'], message: row.status_message ?? '' },
    ...(row.trace_state && { traceState: row.trace_state }),
    resource: { attributes: exactAttributes(row.resource_attributes) },
    scope: { name: row.scope_name ?? '', version: row.scope_version ?? '' },
  };
}

function putBack(
  attribute: string | null | undefined,
  { text, isStructured }: { text: string | null | undefined; isStructured: boolean },
): Attributes {
  if (!attribute || text === null || text === undefined) return {};
  return { [attribute]: isStructured ? exactJson(text) : text };
}

function toEvent({ time_unix_nano: time, name, attributes }: Attributes): SpanEvent {
  return { timeUnixNano: BigInt(time as number | bigint), name: name as string, attributes: attributes as Attributes };
}

/** A list that was too large for its row, and lies nowhere now, is an object that says where it lay. */
function list(text: string | null | undefined): readonly Attributes[] {
  const value = text ? exactJson(text) : [];
  return Array.isArray(value) ? (value as readonly Attributes[]) : [];
}

function exactAttributes(text: string | null | undefined): Attributes {
  return text ? (exactJson(text) as Attributes) : {};
}

/** 64 bits, which an integer of OTLP has. */
const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];

/** JSON whose whole numbers beyond 2^53 are bigints. */
function exactJson(text: string): AttributeValue {
  // TypeScript's library does not know the reviver's third parameter yet (ECMAScript proposal "JSON.parse source text access").
  const reviver = (_: string, value: unknown, { source = '' }: { source?: string } = {}): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value;
    const exact = BigInt(source);
    return exact >= least && exact <= most ? exact : value;
  };
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as AttributeValue;
}
