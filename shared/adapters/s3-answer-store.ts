import { createHash } from 'node:crypto';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { AnswerStore } from '../domain/ports.ts';

/** Long enough for a slow client's retries; the objects themselves expire after a day. */
const validSeconds = 900;
/** Parts go up side by side: an answer of 100 MB must be ready before the gateway's 30 s are over. */
const partBytes = 8 * 1024 * 1024;

/** Answers too large for Lambda, as objects that a signed URL opens. */
export function s3AnswerStore(client: S3Client, bucket: string): AnswerStore {
  return {
    async put(body) {
      const bytes = Buffer.from(body);
      const place = { Bucket: bucket, Key: `answers/${createHash('sha256').update(bytes).digest('hex')}.json` };
      const params = { ...place, Body: bytes, ContentType: 'application/json' };
      // Parts of an upload that dies are left to the bucket's lifecycle.
      await new Upload({ client, params, partSize: partBytes, leavePartsOnError: true }).done();
      return getSignedUrl(client, new GetObjectCommand(place), { expiresIn: validSeconds });
    },
  };
}
