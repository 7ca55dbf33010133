import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parseCsv } from './csv.ts';
import type { ItemReader, ReaderConfig } from './definition.ts';
import { type Bindings, evaluate, evaluateInteger } from './expressions.ts';
import { type MapItem, mapItemsOf } from './map-items.ts';
import type { RoleCalls } from './role-calls.ts';
import { StateError } from './state-error.ts';

/** Items of a distributed map out of S3. Source: Step Functions developer guide, "ItemReader (Map)". */
export async function readItems(
  reader: ItemReader,
  { bindings, calls }: { bindings: Bindings; calls: RoleCalls },
): Promise<readonly MapItem[]> {
  const given = (await evaluate(reader.Arguments, bindings, 'ItemReader/Arguments')) as {
    Bucket: string;
    Key?: string;
    Prefix?: string;
  };
  const config = reader.ReaderConfig ?? {};
  const maxItems = await evaluateInteger(config.MaxItems ?? 0, bindings, 'ItemReader/ReaderConfig/MaxItems');
  try {
    const items = await (reader.Resource.endsWith(':s3:listObjectsV2')
      ? listedItems(given, { config, calls })
      : objectItems({ bucket: given.Bucket, key: given.Key ?? '' }, { config, calls }));
    return maxItems > 0 ? items.slice(0, maxItems) : items;
  } catch (error) {
    if (error instanceof StateError) throw error;
    throw new StateError('States.ItemReaderFailed', error instanceof Error ? error.message : String(error));
  }
}

interface Source {
  readonly config: ReaderConfig;
  readonly calls: RoleCalls;
}

interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** What is listed, or with LOAD_AND_FLATTEN what stands in it. */
async function listedItems(
  { Bucket, Prefix = '' }: { Bucket: string; Prefix?: string },
  { config, calls }: Source,
): Promise<readonly MapItem[]> {
  const listed = await calls.listObjects(Bucket, Prefix);
  if (config.Transformation !== 'LOAD_AND_FLATTEN') return mapItemsOf(listed) ?? [];
  return loaded(
    listed.map(({ Key }) => ({ bucket: Bucket, key: Key })),
    { config, calls },
  );
}

async function objectItems(place: Place, { config, calls }: Source): Promise<readonly MapItem[]> {
  const text = await textOf(place, calls);
  if (config.ManifestType !== 'ATHENA_DATA') return parsed(text, { config, place });
  // UNLOAD's manifest has the address of a data file on each line.
  const files = text.split(/\r?\n/).flatMap((line) => {
    const [, bucket, key] = /^"?s3:\/\/([^/]+)\/(.+?)"?$/.exec(line.trim()) ?? [];
    return bucket === undefined || key === undefined ? [] : [{ bucket, key }];
  });
  return loaded(files, { config, calls });
}

async function loaded(places: readonly Place[], { config, calls }: Source): Promise<readonly MapItem[]> {
  const items: MapItem[] = [];
  for (const place of places)
    for (const item of parsed(await textOf(place, calls), { config, place }))
      items.push({ ...item, Index: items.length });
  return items;
}

async function textOf({ bucket, key }: Place, calls: RoleCalls): Promise<string> {
  return decompressed(Buffer.from(await calls.getObject(bucket, key))).toString('utf8');
}

/** GZIP and ZSTD are told by how they begin. */
function decompressed(body: Buffer): Buffer {
  if (body.subarray(0, 2).equals(Buffer.from('1f8b', 'hex'))) return gunzipSync(body);
  if (body.subarray(0, 4).equals(Buffer.from('28b52ffd', 'hex'))) return zstdDecompressSync(body);
  return body;
}

function parsed(text: string, { config, place }: { config: ReaderConfig; place: Place }): readonly MapItem[] {
  const { InputType = 'JSON' } = config;
  if (InputType === 'CSV') return mapItemsOf(parseCsv(text, config)) ?? [];
  if (InputType === 'JSONL')
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line, Index) => ({ Index, Value: JSON.parse(line) as unknown }));
  const items = mapItemsOf(pointedAt(JSON.parse(text), config.ItemsPointer));
  if (!items) throw new Error(`s3://${place.bucket}/${place.key} holds neither an array nor an object`);
  return items;
}

/** JSON Pointer: RFC 6901. */
function pointedAt(document: unknown, pointer = ''): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((value, token) => (value as Record<string, unknown> | undefined)?.[token], document);
}
