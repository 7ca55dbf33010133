import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UsageError } from '../usage-error.ts';

export interface Row {
  /** Of the file, from 1. */
  readonly line: number;
  readonly text: string;
}

/** The lines of a JSONL file that are not empty; `-` is what comes in, and `.gz` is unpacked. */
export async function readRows(file: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let line = 0;
  try {
    for await (const text of createInterface({ input: open(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      if (text.trim() !== '') rows.push({ line, text });
    }
  } catch (error) {
    throw new UsageError(`--data ${file} cannot be read: ${(error as Error).message}`);
  }
  if (rows.length === 0) throw new UsageError(`--data ${file} has no rows`);
  return rows;
}

function open(file: string): Readable {
  if (file === '-') return process.stdin;
  const stream = createReadStream(file);
  if (!file.endsWith('.gz')) return stream;
  const unpacked = createGunzip();
  stream.on('error', (error) => unpacked.destroy(error));
  return stream.pipe(unpacked);
}
