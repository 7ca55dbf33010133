import type { PbfWriter } from 'pbf';

/** A string field. `pbf` 5.1.2 writes characters from U+20000 on (rare Chinese ones) as others, so Node encodes. */
export function writeTextField(writer: PbfWriter, field: number, text: string): void {
  writer.writeBytesField(field, Buffer.from(text));
}
