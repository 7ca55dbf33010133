import { createHash } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { fromDecisionText, toDecisionText, toSliceLine } from '../contracts/backfill-files.ts';
import type { SliceDecision } from '../domain/backfilling/backfill.ts';
import type { SliceDecisions, SliceFiles } from '../domain/backfilling/ports.ts';
import { statusOf } from './s3-status.ts';

/** Slices of backfills, under `backfills/<id>/` in the trace store's bucket, whose lifecycle expires them. */
export function s3SliceFiles(client: S3Client, bucket: string): SliceFiles {
  return {
    // The name is of the content: two plans of one backfill do not overwrite each other, and the one that counts names its file.
    async put({ backfillId }, slices) {
      const Body = slices.map((slice) => `${toSliceLine(slice)}\n`).join('');
      const Key = `backfills/${backfillId}/slices-${createHash('sha256').update(Body).digest('hex').slice(0, 32)}.jsonl`;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentLength: Buffer.byteLength(Body) }));
      return Key;
    },
  };
}

/** What was decided about slices, beside them: an object each. */
export function s3SliceDecisions(client: S3Client, bucket: string): SliceDecisions {
  async function get(backfillId: string, sliceId: number): Promise<SliceDecision> {
    const place = { Bucket: bucket, Key: keyOf(backfillId, sliceId) };
    const { Body } = await client.send(new GetObjectCommand(place));
    return fromDecisionText((await Body?.transformToString()) ?? '');
  }

  return {
    get: ({ backfillId }, sliceId) => get(backfillId, sliceId),

    async put({ backfillId }, sliceId, decision) {
      const Body = toDecisionText(decision);
      try {
        const place = { Bucket: bucket, Key: keyOf(backfillId, sliceId), IfNoneMatch: '*' };
        await client.send(new PutObjectCommand({ ...place, Body, ContentLength: Buffer.byteLength(Body) }));
        return decision;
      } catch (error) {
        // 409: another conditional write to the key is under way (S3 user guide, "Conditional writes"): whoever repeats this finds it.
        if (statusOf(error) === 412) return get(backfillId, sliceId);
        throw error;
      }
    },
  };
}

function keyOf(backfillId: string, sliceId: number): string {
  return `backfills/${backfillId}/decisions/${sliceId}.json`;
}
