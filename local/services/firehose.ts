import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { AwsError } from '../gateway/aws-error.ts';
import type { InProcessService } from '../gateway/gateway.ts';
import type { DeployedResource } from '../template/assembly.ts';
import { splitDocuments } from './json-documents.ts';
import { duckdbType, type GlueTable, literal, type Warehouse } from './warehouse.ts';

/** Limits of PutRecordBatch (Firehose API reference). */
const maxRecords = 500;
const maxRecordBytes = 1_000 * 1024;
const maxCallBytes = 4 * 1024 * 1024;

interface Destination {
  readonly BucketARN: string;
  readonly Prefix: string;
  readonly ErrorOutputPrefix: string;
  readonly DataFormatConversionConfiguration: { readonly SchemaConfiguration: { readonly TableName: string } };
}

interface Stream {
  readonly name: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly errorPrefix: string;
  readonly table: GlueTable;
  /** Rows that wait to be written, one a line. */
  readonly buffer: string;
}

export interface FirehoseOptions {
  readonly resources: readonly DeployedResource[];
  readonly tables: readonly GlueTable[];
  readonly warehouse: Warehouse;
  readonly s3: S3Client;
  /** Where rows wait. */
  readonly bufferFolder: string;
  /** Where files of the archive stand for Athena, under their bucket and key. */
  readonly archiveFolder: string;
  readonly log: (line: string) => void;
}

/** The template's delivery streams: rows wait in a file on disk, and a flush writes them as one Parquet file. */
export class Firehose {
  readonly #options: FirehoseOptions;
  readonly #streams: ReadonlyMap<string, Stream>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: FirehoseOptions) {
    this.#options = options;
    const streams = options.resources.filter(({ type }) => type === 'AWS::KinesisFirehose::DeliveryStream');
    this.#streams = new Map(streams.map((stream) => [stream.ref, toStream(stream, options)]));
  }

  readonly service: InProcessService = async (operation, input) => {
    if (operation !== 'PutRecordBatch')
      throw new AwsError('UnknownOperationException', `the local Firehose has no ${operation}`);
    const stream = this.#streams.get(String(input.DeliveryStreamName));
    if (!stream)
      throw new AwsError('ResourceNotFoundException', `no delivery stream ${String(input.DeliveryStreamName)}`);
    const records = (input.Records as { Data: string }[]).map(({ Data }) => Buffer.from(Data, 'base64'));
    checkLimits(records);
    await this.#serially(() => this.#buffer(stream, records));
    return { FailedPutCount: 0, Encrypted: true, RequestResponses: records.map(() => ({ RecordId: randomUUID() })) };
  };

  /** Writes what waits. */
  async flush(): Promise<void> {
    for (const stream of this.#streams.values()) await this.#serially(() => this.#write(stream));
  }

  #serially<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #buffer(stream: Stream, records: readonly Buffer[]): Promise<void> {
    const lines: string[] = [];
    for (const record of records) {
      const { documents, rest } = splitDocuments(record.toString('utf8'));
      lines.push(...documents.map(asLine));
      if (rest !== '') await this.#fail(stream, [rest]);
    }
    await mkdir(dirname(stream.buffer), { recursive: true });
    await appendFile(stream.buffer, lines.map((line) => `${line}\n`).join(''));
  }

  async #write(stream: Stream): Promise<void> {
    if (existsSync(stream.buffer)) await rename(stream.buffer, `${stream.buffer}.${randomUUID()}`);
    for (const taken of await takenFrom(stream.buffer)) {
      await this.#convert(stream, taken);
      await rm(taken);
    }
  }

  /** A row that does not convert costs nobody else's: the rows are halved until it stands alone. */
  async #convert(stream: Stream, file: string): Promise<void> {
    // In the archive a file is whole or not there: one without its end would fail every query.
    const parquet = `${file}.parquet`;
    try {
      await this.#copy(stream.table, { file, target: parquet });
    } catch (error) {
      await rm(parquet, { force: true });
      return this.#divide(stream, { file, error });
    }
    const name = `${stream.name}-1-${new Date().toISOString().replace(/[:.]/g, '-')}-${randomUUID()}.parquet`;
    const key = `${evaluated(stream.prefix)}${name}`;
    await this.#options.s3.send(
      new PutObjectCommand({ Bucket: stream.bucket, Key: key, Body: await readFile(parquet) }),
    );
    const target = join(this.#options.archiveFolder, stream.bucket, key);
    await mkdir(dirname(target), { recursive: true });
    return rename(parquet, target);
  }

  async #divide(stream: Stream, { file, error }: { file: string; error: unknown }): Promise<void> {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    if (lines.length === 1) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log(`firehose: a row of ${stream.name} is not converted: ${reason}`);
      return this.#fail(stream, lines);
    }
    for (const half of [lines.slice(0, lines.length >> 1), lines.slice(lines.length >> 1)]) {
      const part = `${file}.part`;
      await writeFile(part, `${half.join('\n')}\n`);
      await this.#convert(stream, part);
      await rm(part);
    }
    return undefined;
  }

  async #copy(table: GlueTable, { file, target }: { file: string; target: string }): Promise<void> {
    const columns = table.columns.map(({ name, type }) => `${literal(name)}: ${literal(duckdbType(type))}`).join(', ');
    const source = `read_json(${literal(file)}, format = 'newline_delimited', columns = {${columns}}, maximum_object_size = 67108864)`;
    await this.#options.warehouse.connection.run(
      `COPY (SELECT * FROM ${source}) TO ${literal(target)} (FORMAT PARQUET, COMPRESSION SNAPPY)`,
    );
  }

  async #fail(stream: Stream, rows: readonly string[]): Promise<void> {
    const key = `${evaluated(stream.errorPrefix).replace('!{firehose:error-output-type}', 'format-conversion-failed')}${randomUUID()}`;
    const body = rows.map((row) =>
      JSON.stringify({ errorCode: 'DataFormatConversion.ParseError', rawData: Buffer.from(row).toString('base64') }),
    );
    await this.#options.s3.send(new PutObjectCommand({ Bucket: stream.bucket, Key: key, Body: body.join('\n') }));
  }
}

function toStream({ ref, properties }: DeployedResource, { tables, bufferFolder }: FirehoseOptions): Stream {
  const destination = properties.ExtendedS3DestinationConfiguration as Destination;
  const tableName = destination.DataFormatConversionConfiguration.SchemaConfiguration.TableName;
  const table = tables.find(({ name }) => name === tableName);
  if (!table) throw new Error(`stream ${ref} converts to table ${tableName}, which the template does not have`);
  return {
    name: ref,
    bucket: destination.BucketARN.slice('arn:aws:s3:::'.length),
    prefix: destination.Prefix,
    errorPrefix: destination.ErrorOutputPrefix,
    table,
    buffer: join(bufferFolder, `${ref}.jsonl`),
  };
}

/** Firehose's time is that of arrival, UTC; rows wait for seconds here, so that of the flush will do. */
function evaluated(prefix: string): string {
  return prefix.replaceAll('!{timestamp:yyyy-MM-dd}', new Date().toISOString().slice(0, 10));
}

/** Rows that were taken to be written: just now, or by a flush that failed or died. Written twice they are harmless, lost they are not. */
async function takenFrom(buffer: string): Promise<readonly string[]> {
  const folder = dirname(buffer);
  const names = existsSync(folder) ? await readdir(folder) : [];
  const ofStream = names.filter((name) => name.startsWith(`${basename(buffer)}.`) && !/\.(part|parquet)$/.test(name));
  return ofStream.map((name) => join(folder, name));
}

function checkLimits(records: readonly Buffer[]): void {
  const bytes = records.reduce((sum, record) => sum + record.length, 0);
  if (records.length === 0 || records.length > maxRecords)
    throw new AwsError('InvalidArgumentException', `${records.length} records, expected 1 to ${maxRecords}`);
  if (bytes > maxCallBytes)
    throw new AwsError('InvalidArgumentException', `${bytes} bytes a call, expected at most ${maxCallBytes}`);
  const large = records.find((record) => record.length > maxRecordBytes);
  if (large)
    throw new AwsError(
      'InvalidArgumentException',
      `a record of ${large.length} bytes, expected at most ${maxRecordBytes}`,
    );
}

/** A document on one line: line breaks stand between tokens only, inside strings JSON escapes them. */
function asLine(document: string): string {
  return document.replace(/[\r\n]+/g, ' ');
}
