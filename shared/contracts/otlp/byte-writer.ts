/** Length of a protobuf varint, bytes. Of lengths and tags: below 2^31. */
function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Size of a length-delimited field of fewer than 16 as its number, bytes. */
export function bytesFieldLength(length: number): number {
  return 1 + varintLength(length) + length;
}

/** Writes protobuf into a buffer of known size: for copying byte ranges, where every length is known before. */
export class ByteWriter {
  readonly bytes: Buffer;
  private pos = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  /** Tag and length of a length-delimited field (number below 16); its content follows. */
  openField(field: number, length: number): void {
    this.bytes[this.pos++] = (field << 3) | 2;
    let rest = length;
    for (; rest >= 0x80; rest >>>= 7) this.bytes[this.pos++] = (rest & 0x7f) | 0x80;
    this.bytes[this.pos++] = rest;
  }

  copy(source: Uint8Array, start: number, end: number): void {
    this.bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.pos);
    this.pos += end - start;
  }
}
