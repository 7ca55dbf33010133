import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SegmentStore } from '../domain/ports.ts';
import type { BlockRef } from '../domain/trace.ts';
import { statusOf } from './s3-status.ts';

const attempts = 8;

/** Segments in the trace-store bucket. */
export function s3SegmentStore(client: S3Client, bucket: string): SegmentStore {
  /** Undefined where there is no such object (any more). */
  async function readWhole(key: string): Promise<{ bytes: Uint8Array; etag: string } | undefined> {
    try {
      const { Body, ETag = '' } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Body && { bytes: await Body.transformToByteArray(), etag: ETag };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** Answers false where the condition does not hold. */
  async function putIf(
    key: string,
    bytes: Uint8Array,
    condition: { IfMatch: string } | { IfNoneMatch: '*' },
  ): Promise<boolean> {
    try {
      const put = { Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length, ...condition };
      await client.send(new PutObjectCommand(put));
      return true;
    } catch (error) {
      // 409: another conditional write to the key is under way (S3 user guide, "Conditional writes").
      if (statusOf(error) === 412 || statusOf(error) === 409) return false;
      throw error;
    }
  }

  async function eraseIn(key: string, blocks: readonly BlockRef[]): Promise<void> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const segment = await readWhole(key);
      if (segment === undefined) return;
      for (const { offset, length } of blocks) segment.bytes.fill(0, offset, offset + length);
      if (await putIf(key, segment.bytes, { IfMatch: segment.etag })) return;
    }
    throw new Error(`segment ${key} kept changing while blocks were erased in it`);
  }

  return {
    async put(key, bytes) {
      await putIf(key, bytes, { IfNoneMatch: '*' });
    },

    async readBlock({ key, offset, length }) {
      const range = `bytes=${offset}-${offset + length - 1}`;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }));
      const bytes = await Body?.transformToByteArray();
      if (bytes?.length !== length)
        throw new Error(`block ${key} ${range}: got ${bytes?.length} bytes, expected ${length}`);
      return bytes;
    },

    async erase(blocks) {
      const bySegment = Map.groupBy(blocks, ({ key }) => key);
      for (const [key, group] of bySegment) await eraseIn(key, group);
    },
  };
}
