import type { Attributes, AttributeValue } from '../../domain/span.ts';
import { type FieldReader, wire } from './field-reader.ts';
import { MalformedOtlpError } from './malformed-otlp-error.ts';
import * as otlp from './otlp-fields.ts';

/** In place of a value whose bytes are not protobuf. */
const malformedMarker = '[malformed value]';

/** Reads the KeyValue that the reader stands on into `attributes`; of several values of a key the last one stands. Never throws. */
export function decodeAttribute(reader: FieldReader, attributes: Attributes): void {
  const { end } = reader;
  const pair: KeyValue = { key: '', value: null };
  try {
    readKeyValue(reader, pair, 1);
  } catch (error) {
    if (!(error instanceof MalformedOtlpError)) throw error;
    pair.value = malformedMarker;
    reader.pos = end;
  }
  setAttribute(attributes, pair.key, pair.value);
}

/** `__proto__` is a key like any other: assigned plainly it would replace the prototype. */
function setAttribute(attributes: Attributes, key: string, value: AttributeValue): void {
  if (key !== '__proto__') (attributes as Record<string, AttributeValue>)[key] = value;
  else Object.defineProperty(attributes, key, { value, enumerable: true, configurable: true, writable: true });
}

interface KeyValue {
  key: string;
  value: AttributeValue;
}

function readKeyValue(reader: FieldReader, pair: KeyValue, depth: number): void {
  const { end } = reader;
  reader.pos = reader.start;
  while (reader.next(end)) {
    if (reader.wireType !== wire.bytes) continue;
    if (reader.field === otlp.keyValue.key) pair.key = reader.text();
    else if (reader.field === otlp.keyValue.value) pair.value = readAnyValue(reader, depth);
  }
}

/** An AnyValue; null where none of its fields is set. `depth` counts the lists and maps that a value lies in, its own too. */
function readAnyValue(reader: FieldReader, depth: number): AttributeValue {
  const { end } = reader;
  let value: AttributeValue = null;
  reader.pos = reader.start;
  while (reader.next(end)) {
    const { field, wireType } = reader;
    if (wireType === wire.bytes) {
      if (field === otlp.anyValue.string) value = reader.text();
      else if (field === otlp.anyValue.bytes) value = new Uint8Array(reader.bytes.subarray(reader.start, reader.end));
      else if (field === otlp.anyValue.array)
        value = depth > otlp.maxValueDepth ? otlp.tooDeepMarker : readArray(reader, depth);
      else if (field === otlp.anyValue.kvlist)
        value = depth > otlp.maxValueDepth ? otlp.tooDeepMarker : readMap(reader, depth);
    } else if (wireType === wire.varint) {
      if (field === otlp.anyValue.int) value = reader.int64();
      else if (field === otlp.anyValue.bool) value = reader.int64() !== 0;
    } else if (wireType === wire.fixed64 && field === otlp.anyValue.double) {
      value = reader.bytes.readDoubleLE(reader.start);
    }
  }
  return value;
}

function readArray(reader: FieldReader, depth: number): AttributeValue {
  const { end } = reader;
  const values: AttributeValue[] = [];
  reader.pos = reader.start;
  while (reader.next(end)) if (reader.isBytes(otlp.list.values)) values.push(readAnyValue(reader, depth + 1));
  return values;
}

function readMap(reader: FieldReader, depth: number): AttributeValue {
  const { end } = reader;
  const map: Attributes = {};
  reader.pos = reader.start;
  while (reader.next(end)) {
    if (!reader.isBytes(otlp.list.values)) continue;
    const pair: KeyValue = { key: '', value: null };
    readKeyValue(reader, pair, depth + 1);
    setAttribute(map, pair.key, pair.value);
  }
  return map;
}
