import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Attachment, AttachmentStore } from '../domain/ports.ts';

/** Long enough for a page that shows it, and for a slow client's retries. */
const validSeconds = 900;

/** Attachments in the trace-store bucket, where they expire with the spans. */
export function s3AttachmentStore(client: S3Client, bucket: string): AttachmentStore {
  const place = ({ experimentId, traceId, name }: Attachment) => ({
    Bucket: bucket,
    Key: `attachments/${experimentId}/${traceId}/${name}`,
  });
  return {
    async put(attachment, bytes) {
      await client.send(new PutObjectCommand({ ...place(attachment), Body: bytes, ContentLength: bytes.length }));
    },

    urlOf(attachment) {
      return getSignedUrl(client, new GetObjectCommand(place(attachment)), { expiresIn: validSeconds });
    },

    async remove(attachment) {
      await client.send(new DeleteObjectCommand(place(attachment)));
    },
  };
}
