import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { type GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { s3ArchivedTraces } from '../../../shared/adapters/s3-archived-traces.ts';
import { cells } from '../../../shared/contracts/archive-queries.ts';

const line = (kind: keyof typeof cells, row: Readonly<Record<string, string>>) =>
  JSON.stringify({ kind, trace_id: row.trace_id, cells: cells[kind].map((column) => row[column] ?? null) });

const trace = (id: string) =>
  line('trace', { trace_id: id, request_time: '5', duration_ms: '1', state: 'OK', revision: '1' });
const span = (id: string, more: Readonly<Record<string, string>>) =>
  line('span', { trace_id: id, span_id: 'b'.repeat(16), inputs_attribute: 'input.value', ...more });

/** Objects by their keys; others are refused, as to somebody who may not list. */
function aClient(objects: Readonly<Record<string, string | Buffer>>): S3Client {
  const send = async ({ input: { Bucket, Key } }: GetObjectCommand) => {
    const body = objects[`${Bucket}/${Key}`];
    if (body === undefined)
      throw new S3ServiceException({ name: 'no', $fault: 'client', $metadata: { httpStatusCode: 403 } });
    return { Body: Object.assign(Readable.from([body]), { transformToString: async () => String(body) }) };
  };
  return { send } as unknown as S3Client;
}

const read = (objects: Readonly<Record<string, string | Buffer>>, bucket = 7) =>
  s3ArchivedTraces(aClient(objects), { archiveBucket: 'archive' }).read({
    manifest: 's3://store/x-manifest.csv',
    bucket,
  });

const file = (...lines: readonly string[]) => gzipSync(`${lines.join('\n')}\n`);
const manifest = ['bucket=7/a.gz', 'bucket=7/b.gz', 'bucket=77/a.gz'].map((name) => `s3://store/u/${name}`).join('\n');

describe('what was unloaded', () => {
  it('is read of all files of its bucket, the rows of a trace wherever they stand', async () => {
    const traces = await read({
      'store/x-manifest.csv': manifest,
      'store/u/bucket=7/a.gz': file(span('tr-1', { inputs: 'hello' }), trace('tr-2')),
      'store/u/bucket=7/b.gz': file(trace('tr-1')),
    });
    expect(traces.map(({ traceId, spans }) => [traceId, spans.length])).toEqual([
      ['tr-1', 1],
      ['tr-2', 0],
    ]);
    expect(traces[0]?.spans[0]?.attributes).toEqual({ 'input.value': 'hello' });
  });

  it('may be nothing', async () => {
    expect(await read({ 'store/x-manifest.csv': manifest }, 3)).toEqual([]);
  });

  it('has the texts that fitted no row put back, and only those that are what they are named', async () => {
    const value = 'long '.repeat(10);
    const hash = createHash('sha256').update(value).digest('hex');
    const at = (bucket: string, key: string) => JSON.stringify({ 'assay.value': `s3://${bucket}/${key}`, bytes: 50 });
    const inputsOf = async (inputs: string) => {
      const [found] = await read({
        'store/x-manifest.csv': 's3://store/u/bucket=7/a.gz',
        'store/u/bucket=7/a.gz': file(trace('tr-1'), span('tr-1', { inputs })),
        [`archive/values/${hash}`]: value,
        'archive/values/other': value,
        'archive/traces/secret': value,
        [`elsewhere/values/${hash}`]: value,
      });
      return found?.spans[0]?.attributes['input.value'];
    };
    expect(await inputsOf(at('archive', `values/${hash}`))).toBe(value);
    for (const text of [
      at('archive', 'values/other'),
      at('archive', 'values/gone'),
      at('archive', 'traces/secret'),
      at('elsewhere', `values/${hash}`),
      '{"assay.value":"s3://archive/values/',
    ])
      expect(await inputsOf(text)).toBe(text);
  });
});
