import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { addUnloaded, archivedTrace, type UnloadedTrace } from '../contracts/archived-trace.ts';
import type { ArchivedTrace } from '../domain/backfilling/restore-traces.ts';
import { settleInParallel, valuesOf } from '../domain/in-parallel.ts';
import { statusOf } from './s3-status.ts';

export interface ArchivedTraces {
  /** The traces of a bucket that the query of this manifest unloaded. */
  read(unloaded: { readonly manifest: string; readonly bucket: number }): Promise<readonly ArchivedTrace[]>;
}

const valuesAtOnce = 8;

/** What UNLOAD wrote: gzipped JSON Lines in folders `bucket=<n>`, and a manifest with the address of a file on each line. */
export function s3ArchivedTraces(client: S3Client, { archiveBucket }: { archiveBucket: string }): ArchivedTraces {
  async function open(uri: string): Promise<Readable> {
    const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return Body as Readable;
  }

  async function filesOf(manifest: string, bucket: number): Promise<readonly string[]> {
    const files: string[] = [];
    for await (const line of createInterface({ input: await open(manifest) })) {
      const uri = line.trim().replace(/^"(.*)"$/, '$1');
      if (uri.includes(`/bucket=${bucket}/`)) files.push(uri);
    }
    return files;
  }

  /** Texts that fitted no row lie in objects of their own, named by their hash; one that is not there is left as it stands in the row. */
  async function putBack(row: Record<string, string | null | undefined>): Promise<void> {
    for (const [column, text] of Object.entries(row)) {
      const moved = text?.startsWith('{"assay.value":"s3://') ? movedTo(text) : undefined;
      if (moved?.startsWith(`s3://${archiveBucket}/values/`)) row[column] = (await valueAt(moved)) ?? text;
    }
  }

  async function valueAt(uri: string): Promise<string | undefined> {
    const Key = uri.slice(`s3://${archiveBucket}/`.length);
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: archiveBucket, Key }));
      const value = (await Body?.transformToString()) ?? '';
      return Key === `values/${createHash('sha256').update(value).digest('hex')}` ? value : undefined;
    } catch (error) {
      // Whoever may not list is told so of what is not there.
      const status = statusOf(error);
      if (status === 404 || status === 403) return undefined;
      throw error;
    }
  }

  return {
    async read({ manifest, bucket }) {
      const traces = new Map<string, UnloadedTrace>();
      for (const file of await filesOf(manifest, bucket)) {
        const unzipped = (await open(file)).pipe(createGunzip());
        for await (const line of createInterface({ input: unzipped })) addUnloaded(line, traces);
      }
      const rows = [...traces.values()].flatMap(({ spans }) => [...spans.values()]);
      valuesOf(await settleInParallel(rows, { limit: valuesAtOnce, task: putBack }));
      return [...traces.values()].flatMap((trace) => archivedTrace(trace) ?? []);
    },
  };
}

function movedTo(text: string): string | undefined {
  return /^\{"assay\.value":"([^"]+)","bytes":\d+\}$/.exec(text)?.[1];
}
