import { MalformedOtlpError } from './malformed-otlp-error.ts';

/** Protobuf wire types; groups (3, 4) have been gone from the language since before OTLP and are refused. */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/**
 * Steps over the fields of a protobuf message by byte range: nothing is decoded until it is asked for, and no value reaches
 * beyond the message it lies in. `pbf` reads past the end of a message whose lengths lie, so it only writes here.
 *
 *     while (reader.next(end)) if (reader.field === 1) …reader.start, reader.end…
 *
 * To descend into a field, set `pos` to its `start`, step to its `end`; `pos` then stands where it did before.
 */
export class FieldReader {
  readonly bytes: Buffer;
  /** Of the field after the one that was read. */
  pos = 0;
  field = 0;
  wireType = 0;
  /** First byte of the field's tag: `fieldStart` to `end` is the whole field. */
  fieldStart = 0;
  /** The value, without tag and length. */
  start = 0;
  end = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves to the next field before `limit`; false at the end. Throws MalformedOtlpError where a field does not fit. */
  next(limit: number): boolean {
    if (this.pos >= limit) return false;
    this.fieldStart = this.pos;
    const tag = this.varint(limit);
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.field === 0 || tag > 0xffffffff)
      throw new MalformedOtlpError(`invalid protobuf tag at byte ${this.fieldStart}`);
    this.start = this.pos;
    this.end = this.valueEnd(limit);
    this.pos = this.end;
    if (this.end > limit) {
      throw new MalformedOtlpError(`protobuf field ${this.field} at byte ${this.fieldStart} runs beyond its message`);
    }
    return true;
  }

  private valueEnd(limit: number): number {
    switch (this.wireType) {
      case wire.bytes: {
        const length = this.varint(limit);
        this.start = this.pos;
        return this.pos + length;
      }
      case wire.varint:
        this.varint(limit);
        return this.pos;
      case wire.fixed64:
        return this.pos + 8;
      case wire.fixed32:
        return this.pos + 4;
      default:
        throw new MalformedOtlpError(`unknown protobuf wire type ${this.wireType} at byte ${this.fieldStart}`);
    }
  }

  /** Of lengths and tags; beyond 2^53 inexact, which only makes what is too long longer. */
  private varint(limit: number): number {
    const { bytes } = this;
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10 && this.pos < limit; count++) {
      const byte = bytes[this.pos++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new MalformedOtlpError(`protobuf number that does not end at byte ${this.pos}`);
  }

  isBytes(field: number): boolean {
    return this.field === field && this.wireType === wire.bytes;
  }

  text(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }

  hex(): string {
    return this.bytes.toString('hex', this.start, this.end);
  }

  /** A fixed64 value. */
  fixed64(): bigint {
    return this.bytes.readBigUInt64LE(this.start);
  }

  /** An int64 value: a number where that is exact. */
  int64(): number | bigint {
    const { bytes, start, end } = this;
    if (end - start <= 4) return smallVarint(bytes, start, end);
    let value = 0n;
    for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt((bytes[at] as number) & 0x7f);
    const signed = BigInt.asIntN(64, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }
}

function smallVarint(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = end - 1; at >= start; at--) value = (value << 7) | ((bytes[at] as number) & 0x7f);
  return value;
}
