import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startProgram } from './program.ts';

/** How the AWS SDK reaches the services of the stack, and the names that its outputs give. */
export interface AwsConnection {
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly workgroup: string;
  readonly database: string;
}

export interface RunningStack {
  readonly url: string;
  readonly adminKey: string;
  readonly ingestKey: string;
  readonly aws: AwsConnection;
  /** The last lines of its log, as they come. */
  readonly log: readonly string[];
  /** Has the delivery streams write what they hold into the archive now. */
  flushArchive(): Promise<void>;
  /** Ends it and everything that it started. */
  stop(): Promise<void>;
}

/** The line that `npm run --silent local -- --json` prints when it is ready, as far as the demo reads it. */
const readyLine = z
  .object({
    url: z.string(),
    admin_key: z.string(),
    ingest_key: z.string(),
    endpoint: z.string(),
    credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
    region: z.string(),
    outputs: z.object({ Workgroup: z.string(), Database: z.string() }),
  })
  .transform(({ url, admin_key, ingest_key, endpoint, credentials, region, outputs }) => ({
    url,
    adminKey: admin_key,
    ingestKey: ingest_key,
    aws: { client: { endpoint, region, credentials }, workgroup: outputs.Workgroup, database: outputs.Database },
  }));

const entry = fileURLToPath(new URL('../local/bin/local.ts', import.meta.url));

/** Synthesis bundles every function; on a busy machine it takes its time. */
const startLimitMs = 120_000;

export interface StackOptions {
  readonly port: number;
  /** What answers for Bedrock, and the configuration that leads judges to it. */
  readonly judge: { readonly url: string; readonly config: object };
  readonly signal: AbortSignal;
}

/**
 * Starts the local stack as a process of its own and waits until it is ready, or until `signal` aborts.
 * Throws an error that holds what it last said where it does not.
 */
export async function startStack({ port, judge, signal }: StackOptions): Promise<RunningStack> {
  const judges = ['--bedrock', judge.url, '--context', `judgeModels=${JSON.stringify(judge.config)}`];
  // Nobody waits ten seconds to be told that a backfill has ended.
  const args = [entry, '--port', String(port), '--json', '--wait-seconds', '1', ...judges];
  const { firstLine, log, stop } = await startProgram(args, { name: 'the local stack', limitMs: startLimitMs, signal });
  try {
    const ready = readyLine.parse(JSON.parse(firstLine));
    return { ...ready, log, flushArchive: () => flush(ready.aws.client.endpoint), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The only call that the demo makes to the local stack alone: on AWS the streams deliver by themselves, after minutes. */
async function flush(endpoint: string): Promise<void> {
  const response = await fetch(`${endpoint}/_local/flush`, { method: 'POST' });
  if (!response.ok)
    throw new Error(`the local streams could not be flushed: ${response.status} ${await response.text()}`);
}
