import { createHash } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { AnswerStore } from '../domain/ports.ts';

/** Long enough for a slow client's retries; the objects themselves expire after a day. */
const validSeconds = 900;

/** Answers too large for Lambda, as objects that a signed URL opens. */
export function s3AnswerStore(client: S3Client, bucket: string): AnswerStore {
  return {
    async put(body) {
      const Key = `answers/${createHash('sha256').update(body).digest('hex')}.json`;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body, ContentType: 'application/json' }));
      return getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key }), { expiresIn: validSeconds });
    },
  };
}
