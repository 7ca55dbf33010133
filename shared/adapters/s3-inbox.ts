import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Inbox } from '../domain/ports.ts';

/** Bodies too large for a message, in the trace store's bucket; its lifecycle expires the prefix `inbox/`. */
export function s3Inbox(client: S3Client, bucket: string): Inbox {
  return {
    async put(key, body) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    async get(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      if (!Body) throw new Error(`object ${key} has no body`);
      return Body.transformToByteArray();
    },
  };
}
