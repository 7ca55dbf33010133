import type { PbfWriter } from 'pbf';
import {
  asBase64,
  asBoolean,
  asDouble,
  asList,
  asObject,
  asSigned,
  asText,
  type JsonObject,
  pick,
} from './json-values.ts';
import * as otlp from './otlp-fields.ts';
import { writeTextField } from './write-text.ts';

/** Writes each KeyValue of a JSON list as the given field. Throws JsonValueError. */
export function writeAttributes(writer: PbfWriter, field: number, list: unknown): void {
  for (const item of asList(list, 'attributes')) writer.writeMessage(field, writeKeyValue, { item, depth: 1 });
}

interface Nested {
  readonly item: unknown;
  /** Lists and maps that the value lies in, its own too. */
  readonly depth: number;
}

function writeKeyValue({ item, depth }: Nested, writer: PbfWriter): void {
  const pair = asObject(item, 'attribute');
  const key = asText(pair.key, 'attribute key');
  writeTextField(writer, otlp.keyValue.key, key);
  if (pair.value !== undefined && pair.value !== null) {
    writer.writeMessage(otlp.keyValue.value, writeAnyValue, { item: pair.value, depth });
  }
}

/** An AnyValue: the first of its fields that is there; none is null. */
function writeAnyValue({ item, depth }: Nested, writer: PbfWriter): void {
  const value = asObject(item, 'attribute value');
  for (const [camel, snake, write] of valueWriters) {
    const content = pick(value, camel, snake);
    if (content === undefined) continue;
    write(writer, content, depth);
    return;
  }
}

type ValueWriter = (writer: PbfWriter, content: unknown, depth: number) => void;

const valueWriters: readonly (readonly [string, string, ValueWriter])[] = [
  [
    'stringValue',
    'string_value',
    (writer, content) => writeTextField(writer, otlp.anyValue.string, asText(content, 'stringValue')),
  ],
  ['intValue', 'int_value', (writer, content) => writeInt64(writer, otlp.anyValue.int, asSigned(content, 'intValue'))],
  [
    'boolValue',
    'bool_value',
    (writer, content) => writer.writeBooleanField(otlp.anyValue.bool, asBoolean(content, 'boolValue')),
  ],
  [
    'doubleValue',
    'double_value',
    (writer, content) => writer.writeDoubleField(otlp.anyValue.double, asDouble(content, 'doubleValue')),
  ],
  ['arrayValue', 'array_value', writeArray],
  ['kvlistValue', 'kvlist_value', writeMap],
  [
    'bytesValue',
    'bytes_value',
    (writer, content) => writer.writeBytesField(otlp.anyValue.bytes, asBase64(content, 'bytesValue')),
  ],
];

function writeArray(writer: PbfWriter, content: unknown, depth: number): void {
  const items = { values: valuesOf(content, 'arrayValue'), depth, write: writeAnyValue };
  writeContainer(writer, otlp.anyValue.array, items);
}

function writeMap(writer: PbfWriter, content: unknown, depth: number): void {
  const items = { values: valuesOf(content, 'kvlistValue'), depth, write: writeKeyValue };
  writeContainer(writer, otlp.anyValue.kvlist, items);
}

function writeContainer(writer: PbfWriter, field: number, items: Items): void {
  if (items.depth > otlp.maxValueDepth) writeTextField(writer, otlp.anyValue.string, otlp.tooDeepMarker);
  else writer.writeMessage(field, writeItems, items);
}

interface Items {
  readonly values: readonly unknown[];
  readonly depth: number;
  readonly write: (nested: Nested, writer: PbfWriter) => void;
}

function writeItems({ values, depth, write }: Items, writer: PbfWriter): void {
  for (const item of values) {
    // A null in a list is the empty AnyValue.
    writer.writeMessage(otlp.list.values, write, { item: item ?? ({} satisfies JsonObject), depth: depth + 1 });
  }
}

function valuesOf(content: unknown, what: string): readonly unknown[] {
  return asList(asObject(content, what).values, `${what}.values`);
}

/** `pbf` writes integers as doubles, exact only to 2^53. */
function writeInt64(writer: PbfWriter, field: number, value: bigint): void {
  writer.writeTag(field, 0);
  writer.realloc(10);
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) writer.buf[writer.pos++] = Number(rest & 0x7fn) | 0x80;
  writer.buf[writer.pos++] = Number(rest);
}

/** A fixed64 field; left out where it is 0, as protobuf does. */
export function writeFixed64(writer: PbfWriter, field: number, value: bigint): void {
  if (value === 0n) return;
  writer.writeTag(field, 1);
  writer.realloc(8);
  writer.dataView.setBigUint64(writer.pos, value, true);
  writer.pos += 8;
}
