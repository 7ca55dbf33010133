import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

const s3 = new S3Client({ forcePathStyle: true });
const Bucket = process.env.BUCKET;

type Event =
  | { readonly plan: number }
  | { readonly Items: readonly Slice[]; readonly BatchInput: { readonly ms: number } };

interface Slice {
  readonly slice: number;
}

class BadSliceError extends Error {
  override readonly name = 'BadSliceError';
}

/** Writes slices as items of a map; or works on some of them, which leaves an object each time that it is done. */
export async function handler(event: Event): Promise<unknown> {
  if ('plan' in event) {
    const lines = Array.from({ length: event.plan }, (_, slice) => `${JSON.stringify({ slice })}\n`);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'plan/slices.jsonl', Body: lines.join('') }));
    return { key: 'plan/slices.jsonl' };
  }
  await wait(event.BatchInput.ms);
  if (event.Items.some(({ slice }) => slice < 0)) throw new BadSliceError('a slice below zero');
  await Promise.all(
    event.Items.map(({ slice }) =>
      s3.send(new PutObjectCommand({ Bucket, Key: `done/${slice}/${randomUUID()}`, Body: '' })),
    ),
  );
  return { done: event.Items.length };
}
