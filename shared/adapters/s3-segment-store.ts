import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SegmentStore } from '../domain/ports.ts';

/** Segments in the trace-store bucket. */
export function s3SegmentStore(client: S3Client, bucket: string): SegmentStore {
  return {
    async put(key, bytes) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length }));
    },

    async readBlock({ key, offset, length }) {
      const range = `bytes=${offset}-${offset + length - 1}`;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }));
      const bytes = await Body?.transformToByteArray();
      if (bytes?.length !== length)
        throw new Error(`block ${key} ${range}: got ${bytes?.length} bytes, expected ${length}`);
      return bytes;
    },
  };
}
