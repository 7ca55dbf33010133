import type { Attributes, SpanEvent, SpanLink, SpanStatus } from '../../domain/span.ts';
import { decodeAttribute } from './decode-values.ts';
import { type FieldReader, wire } from './field-reader.ts';
import { MalformedOtlpError } from './malformed-otlp-error.ts';
import * as otlp from './otlp-fields.ts';

export function decodeEvent(reader: FieldReader): SpanEvent {
  const event = { timeUnixNano: 0n, name: '', attributes: {} as Attributes };
  readFields(reader, () => {
    if (reader.isBytes(otlp.event.attributes)) decodeAttribute(reader, event.attributes);
    else if (reader.isBytes(otlp.event.name)) event.name = reader.text();
    else if (reader.field === otlp.event.timeUnixNano && reader.wireType === wire.fixed64)
      event.timeUnixNano = reader.fixed64();
  });
  return event;
}

export function decodeLink(reader: FieldReader): SpanLink {
  const link = { traceId: '', spanId: '', attributes: {} as Attributes };
  readFields(reader, () => {
    if (reader.isBytes(otlp.link.attributes)) decodeAttribute(reader, link.attributes);
    else if (reader.isBytes(otlp.link.traceId)) link.traceId = reader.hex();
    else if (reader.isBytes(otlp.link.spanId)) link.spanId = reader.hex();
  });
  return link;
}

const statusCodes = ['UNSET', 'OK', 'ERROR'] as const;

export function decodeStatus(reader: FieldReader): SpanStatus {
  const status: { code: SpanStatus['code']; message: string } = { code: 'UNSET', message: '' };
  readFields(reader, () => {
    if (reader.isBytes(otlp.status.message)) status.message = reader.text();
    else if (reader.field === otlp.status.code && reader.wireType === wire.varint) {
      status.code = statusCodes[Number(reader.int64())] ?? 'UNSET';
    }
  });
  return status;
}

/** The fields of the message that the reader stands on; of one that breaks off, those before the break. */
export function readFields(reader: FieldReader, readField: () => void): void {
  const { end } = reader;
  reader.pos = reader.start;
  try {
    while (reader.next(end)) readField();
  } catch (error) {
    if (!(error instanceof MalformedOtlpError)) throw error;
    reader.pos = end;
  }
}
