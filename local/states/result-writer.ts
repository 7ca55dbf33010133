import { childExecutionArn } from './arns.ts';
import type { ResultWriter } from './definition.ts';
import { type Bindings, evaluate } from './expressions.ts';
import type { MapRunRecord, Status } from './recorded.ts';
import type { RoleCalls } from './role-calls.ts';
import { StateError } from './state-error.ts';
import { iso } from './times.ts';

export interface Place {
  readonly run: MapRunRecord;
  /** The machine that the children run: `…:stateMachine:<machine>/<label>`. */
  readonly childMachineArn: string;
  readonly mapRunArn: string;
}

/** Outputs in the order of the items: the state's result where nothing is written to S3. */
export function resultsOf({ WriterConfig }: ResultWriter, place: Place): readonly unknown[] {
  const transformation = WriterConfig?.Transformation ?? 'COMPACT';
  return place.run.children.flatMap((_, index) => transformed(index, { transformation, place }));
}

/**
 * Writes what came of the children, a file a status, and a manifest of the files. Source: Step Functions developer guide, "ResultWriter
 * (Map)".
 */
export async function writeResults(
  writer: ResultWriter,
  { bindings, calls, place }: { bindings: Bindings; calls: RoleCalls; place: Place },
): Promise<void> {
  const { bucket, folder } = await addressOf(writer, { bindings, place });
  const { OutputType = 'JSON', Transformation = 'NONE' } = writer.WriterConfig ?? {};
  const files: Record<string, { Key: string; Size: number }[]> = { FAILED: [], PENDING: [], SUCCEEDED: [] };
  try {
    for (const [group, indices] of Object.entries(grouped(place.run))) {
      if (indices.length === 0) continue;
      const rows = indices.flatMap((index) => transformed(index, { transformation: Transformation, place }));
      const body =
        OutputType === 'JSONL' ? `${rows.map((row) => JSON.stringify(row)).join('\n')}\n` : JSON.stringify(rows);
      const Key = `${folder}/${group}_0.${OutputType.toLowerCase()}`;
      await calls.putObject(bucket, Key, body);
      files[group]?.push({ Key, Size: Buffer.byteLength(body) });
    }
    const manifest = { DestinationBucket: bucket, MapRunArn: place.mapRunArn, ResultFiles: files };
    await calls.putObject(bucket, `${folder}/manifest.json`, JSON.stringify(manifest));
  } catch (error) {
    throw new StateError('States.ResultWriterFailed', error instanceof Error ? error.message : String(error));
  }
}

/** The state's result where results are written to S3: where they are. */
export async function exportedResult(
  writer: ResultWriter,
  { bindings, place }: { bindings: Bindings; place: Place },
): Promise<unknown> {
  const { bucket, folder } = await addressOf(writer, { bindings, place });
  return { MapRunArn: place.mapRunArn, ResultWriterDetails: { Bucket: bucket, Key: `${folder}/manifest.json` } };
}

async function addressOf(
  writer: ResultWriter,
  { bindings, place }: { bindings: Bindings; place: Place },
): Promise<{ bucket: string; folder: string }> {
  const given = await evaluate(writer.Arguments, bindings, 'ResultWriter/Arguments');
  const { Bucket, Prefix = '' } = given as { Bucket: string; Prefix?: string };
  const prefix = Prefix === '' ? '' : `${Prefix.replace(/\/$/, '')}/`;
  return { bucket: Bucket, folder: `${prefix}${place.run.id}` };
}

/** Timed out and aborted ones stand with the failed. */
function grouped({ children, ends }: MapRunRecord): Readonly<Record<string, readonly number[]>> {
  const groups: Record<string, number[]> = { SUCCEEDED: [], FAILED: [], PENDING: [] };
  for (const index of children.keys()) groups[groupOf(ends.get(index)?.status)]?.push(index);
  return groups;
}

function groupOf(status: Status | undefined): 'SUCCEEDED' | 'FAILED' | 'PENDING' {
  if (status === undefined) return 'PENDING';
  return status === 'SUCCEEDED' ? 'SUCCEEDED' : 'FAILED';
}

/** What failed is written in full, however the rest is transformed. */
function transformed(
  index: number,
  { transformation, place }: { transformation: 'NONE' | 'COMPACT' | 'FLATTEN'; place: Place },
): readonly unknown[] {
  const end = place.run.ends.get(index);
  if (transformation === 'NONE' || end?.status !== 'SUCCEEDED') return [described(index, place)];
  const output = JSON.parse(end.output ?? 'null') as unknown;
  return transformation === 'FLATTEN' && Array.isArray(output) ? output : [output];
}

function described(index: number, { run, childMachineArn }: Place): unknown {
  const { name, input } = run.children[index] as MapRunRecord['children'][number];
  const end = run.ends.get(index);
  return {
    ExecutionArn: childExecutionArn(childMachineArn, { name, isExpress: run.isExpress }),
    Input: input,
    InputDetails: { Included: true },
    Name: name,
    ...(end?.output !== undefined && { Output: end.output }),
    OutputDetails: { Included: true },
    ...(end?.error !== undefined && { Error: end.error }),
    ...(end?.cause !== undefined && { Cause: end.cause }),
    ...(end && { StartDate: iso(end.startedAt), StopDate: iso(end.at) }),
    StateMachineArn: childMachineArn,
    Status: end?.status ?? 'PENDING',
  };
}
