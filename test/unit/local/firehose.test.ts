import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Firehose } from '../../../local/services/firehose.ts';
import { glueTables, literal, openWarehouse, type Warehouse } from '../../../local/services/warehouse.ts';
import type { DeployedResource } from '../../../local/template/assembly.ts';

const names = { metadata: {}, arn: '' };
const resources: readonly DeployedResource[] = [
  {
    ...names,
    id: 'Table',
    type: 'AWS::Glue::Table',
    ref: 'things',
    properties: {
      DatabaseName: 'd',
      TableInput: {
        Name: 'things',
        StorageDescriptor: {
          Location: 's3://archive/things/',
          Columns: [
            { Name: 'id', Type: 'bigint' },
            { Name: 'at', Type: 'timestamp' },
            { Name: 'names', Type: 'array<string>' },
          ],
        },
      },
    },
  },
  {
    ...names,
    id: 'Stream',
    type: 'AWS::KinesisFirehose::DeliveryStream',
    ref: 'stream',
    properties: {
      ExtendedS3DestinationConfiguration: {
        BucketARN: 'arn:aws:s3:::archive',
        Prefix: 'things/dt=!{timestamp:yyyy-MM-dd}/',
        ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/',
        DataFormatConversionConfiguration: { SchemaConfiguration: { TableName: 'things' } },
      },
    },
  },
];

let folder: string;
let warehouse: Warehouse;
let puts: { Key: string; Body: Buffer | string }[];
let isS3Down: boolean;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
  warehouse = await openWarehouse(undefined);
  puts = [];
  isS3Down = false;
});
afterEach(() => {
  warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

function aFirehose(): Firehose {
  const send = async ({ input }: { input: (typeof puts)[number] }) => {
    if (isS3Down) throw new Error('S3 is down');
    puts.push(input);
  };
  const s3 = { send } as unknown as S3Client;
  const folders = { bufferFolder: join(folder, 'buffer'), archiveFolder: join(folder, 'archive') };
  return new Firehose({
    resources,
    tables: glueTables(resources),
    warehouse,
    s3,
    ...folders,
    log: () => undefined,
  });
}

function put(firehose: Firehose, ...records: readonly string[]): Promise<unknown> {
  const Records = records.map((record) => ({ Data: Buffer.from(record).toString('base64') }));
  return firehose.service('PutRecordBatch', { DeliveryStreamName: 'stream', Records });
}

/** What the files of the archive hold. */
async function archived(): Promise<readonly unknown[]> {
  const files = join(folder, 'archive/archive/things/**/*.parquet');
  const reader = await warehouse.connection.runAndReadAll(`SELECT * FROM read_parquet(${literal(files)}) ORDER BY id`);
  return reader.getRowObjectsJson();
}

describe('a delivery stream', () => {
  it('converts packed documents by the types of its table and drops what the table does not name', async () => {
    const firehose = aFirehose();
    await put(firehose, '{"id":1,"at":"2026-01-02 03:04:05.678","names":["a","}{"]}{"id":2,"more":true}', '{"id":3}');
    await firehose.flush();
    expect(puts.map(({ Key }) => Key)).toEqual([
      expect.stringMatching(/^things\/dt=\d{4}-\d\d-\d\d\/stream-.*\.parquet$/),
    ]);
    expect(await archived()).toMatchObject([
      { id: '1', at: '2026-01-02 03:04:05.678', names: ['a', '}{'] },
      { id: '2', at: null, names: null },
      { id: '3' },
    ]);
  });

  it('sets a row aside that does not convert, and leaves nothing half-written in the archive', async () => {
    const firehose = aFirehose();
    const many = Array.from({ length: 5_000 }, (_, n) => `{"id":${n}}`).join('');
    await put(firehose, `${many}{"id":"none"}`);
    await firehose.flush();
    expect(await archived()).toHaveLength(5_000);
    const failed = puts.filter(({ Key }) => /^errors\/format-conversion-failed\/dt=\d{4}-\d\d-\d\d\//.test(Key));
    expect(failed.map(({ Body }) => Buffer.from(JSON.parse(String(Body)).rawData, 'base64').toString())).toEqual([
      '{"id":"none"}',
    ]);
  });

  it('puts rows under the day on which they are written, however long it has been running', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-01T23:59:59Z') });
    const firehose = aFirehose();
    vi.setSystemTime(new Date('2026-01-02T00:00:01Z'));
    await put(firehose, '{"id":1}');
    await firehose.flush();
    vi.useRealTimers();
    expect(puts[0]?.Key).toMatch(/^things\/dt=2026-01-02\/stream-1-2026-01-02T/);
  });

  it('keeps its rows until they are written', async () => {
    const firehose = aFirehose();
    await put(firehose, '{"id":1}');
    isS3Down = true;
    await expect(firehose.flush()).rejects.toThrow('S3 is down');
    isS3Down = false;
    await put(firehose, '{"id":2}');
    await firehose.flush();
    expect(await archived()).toMatchObject([{ id: '1' }, { id: '2' }]);
    expect(readdirSync(join(folder, 'buffer'))).toEqual([]);
  });

  it('writes after a restart what an interrupted flush had taken', async () => {
    await put(aFirehose(), '{"id":1}');
    writeFileSync(join(folder, 'buffer/stream.jsonl.interrupted'), '{"id":2}\n');
    writeFileSync(join(folder, 'buffer/stream.jsonl.interrupted.parquet'), 'PAR1, half');
    await aFirehose().flush();
    expect(await archived()).toMatchObject([{ id: '1' }, { id: '2' }]);
  });

  it.each([
    ['501 records', () => Array.from({ length: 501 }, () => '{}')],
    ['a record above 1,000 KiB', () => ['x'.repeat(1_000 * 1024 + 1)]],
    ['a call above 4 MiB', () => Array.from({ length: 5 }, () => 'x'.repeat(900 * 1024))],
    ['no record', () => []],
  ])('refuses %s', async (_, records) => {
    await expect(put(aFirehose(), ...records())).rejects.toMatchObject({ code: 'InvalidArgumentException' });
  });
});
