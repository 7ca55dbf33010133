import { randomBytes, randomUUID } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s3AnswerStore } from '../../../shared/adapters/s3-answer-store.ts';
import { s3SliceDecisions, s3SliceFiles } from '../../../shared/adapters/s3-backfill-files.ts';
import { s3Inbox } from '../../../shared/adapters/s3-inbox.ts';
import { s3SegmentStore } from '../../../shared/adapters/s3-segment-store.ts';
import { nothingDecided } from '../../../shared/domain/backfilling/backfill.ts';
import { namedSlices } from '../../../shared/domain/backfilling/cut-slices.ts';
import type { AnswerStore, Inbox, SegmentStore } from '../../../shared/domain/ports.ts';
import { localCredentials } from '../local-credentials.ts';

/** What the adapters over S3 promise. */
export function describeObjectAdapters(name: string, endpoint: () => string): void {
  let client: S3Client;
  let bucket: string;

  beforeAll(async () => {
    client = new S3Client({ endpoint: endpoint(), ...localCredentials, forcePathStyle: true });
    bucket = `suite-${randomUUID()}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });

  afterAll(() => client?.destroy());

  describe(`files of backfills on ${name}`, () => {
    const backfill = { experimentId: '7', backfillId: 'b1' };

    test('have the same name for the same slices, and a line for each', async () => {
      const files = s3SliceFiles(client, bucket);
      const cut = [0, 1].map((id) => ({ id, shard: id, after: '17', upTo: '18#tr-1', traces: 3 }));
      const slices = [...cut, ...namedSlices(['tr-1', 'tr-2']).map((named) => ({ ...named, id: 2 }))];
      const key = await files.put(backfill, slices);
      expect(key).toMatch(/^backfills\/b1\/slices-[0-9a-f]{32}\.jsonl$/);
      expect(await files.put(backfill, slices)).toBe(key);
      expect(await files.put(backfill, slices.slice(1))).not.toBe(key);
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const lines = ((await Body?.transformToString()) ?? '').trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line))).toEqual(slices);
    });

    // fauxqs knows no conditional writes; the local stack's gateway has them for it.
    test.skipIf(name === 'fauxqs')('keep what was decided first about a slice', async () => {
      const decisions = s3SliceDecisions(client, bucket);
      const decision = (revision: number) => ({
        decided: [{ ...nothingDecided, enqueued: revision }],
        wanted: [{ traceId: 'tr-1', revision, scorers: [0, 2] }],
      });
      expect(await decisions.put(backfill, 4, decision(1))).toEqual(decision(1));
      expect(await decisions.put(backfill, 4, decision(2))).toEqual(decision(1));
    });

    test('answer what was decided about a slice', async () => {
      const decisions = s3SliceDecisions(client, bucket);
      const unfit = [{ traceId: 'tr-2', fate: 'incomplete' as const }];
      const decision = { decided: [{ ...nothingDecided, enqueued: 1 }], wanted: [], unfit };
      await decisions.put(backfill, 6, decision);
      expect(await decisions.get(backfill, 6)).toEqual(decision);
      await expect(decisions.get(backfill, 5)).rejects.toThrow();
    });
  });

  describe(`the segment store on ${name}`, () => {
    let store: SegmentStore;
    const bytes = randomBytes(100_000);
    const key = 'segments/7/2026-06-01/abc=1';
    const block = (offset: number, length: number) => ({ hash: 'x', key, offset, length });

    beforeAll(async () => {
      store = s3SegmentStore(client, bucket);
      await store.put(key, bytes);
    });

    test.each([
      ['the first', 0, 1],
      ['one between others', 4_321, 12_345],
      ['the last', 99_000, 1_000],
      ['the only', 0, 100_000],
    ])('reads %s block of a segment', async (_, offset, length) => {
      const read = await store.readBlock(block(offset, length));
      expect(Buffer.compare(read, bytes.subarray(offset, offset + length))).toBe(0);
    });

    test('reads many blocks at once', async () => {
      const offsets = Array.from({ length: 50 }, (_, i) => i * 2_000);
      const read = await Promise.all(offsets.map((offset) => store.readBlock(block(offset, 2_000))));
      expect(Buffer.compare(Buffer.concat(read), bytes)).toBe(0);
    });

    test('keeps a segment that is put again as it was', async () => {
      await store.put(key, bytes);
      expect(Buffer.compare(await store.readBlock(block(0, bytes.length)), bytes)).toBe(0);
    });

    test('erases blocks and leaves their neighbours, also of segments that are gone', async () => {
      const key = 'segments/7/2026-06-01/erased';
      await store.put(key, bytes);
      const blocks = Array.from({ length: 6 }, (_, i) => ({ hash: 'x', key, offset: i * 10_000, length: 4_000 }));
      const gone = { hash: 'x', key: 'segments/7/2026-06-01/gone', offset: 0, length: 1 };
      for (const each of blocks) await store.erase([each, gone]);
      const expected = Buffer.from(bytes);
      for (const { offset, length } of blocks) expected.fill(0, offset, offset + length);
      expect(Buffer.compare(await store.readBlock({ ...gone, key, length: bytes.length }), expected)).toBe(0);
    });

    test('fails rather than answering with less than the block', async () => {
      await expect(store.readBlock(block(99_999, 2))).rejects.toThrow('got 1 bytes, expected 2');
      await expect(store.readBlock(block(100_000, 1))).rejects.toThrow();
      await expect(store.readBlock({ ...block(0, 1), key: 'segments/none' })).rejects.toThrow();
    });
  });

  describe(`the inbox on ${name}`, () => {
    let inbox: Inbox;

    beforeAll(() => {
      inbox = s3Inbox(client, bucket);
    });

    test('gives back a body of 5 MB as it was put, however often', async () => {
      const body = randomBytes(5_000_000);
      for (let i = 0; i < 2; i++) await inbox.put('inbox/2026-06-01/large', body);
      expect(Buffer.compare(await inbox.get('inbox/2026-06-01/large'), body)).toBe(0);
    });

    test('fails where there is no such body', async () => {
      await expect(inbox.get('inbox/none')).rejects.toThrow();
    });
  });

  describe(`the answer store on ${name}`, () => {
    let answers: AnswerStore;

    beforeAll(() => {
      answers = s3AnswerStore(client, bucket);
    });

    test('hands out a URL that opens the answer without a key', async () => {
      const answer = JSON.stringify({ text: 'ä "quoted" \u0000 text'.repeat(1_000) });
      const response = await fetch(await answers.put(answer));
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(await response.text()).toBe(answer);
    });
  });
}
