#!/usr/bin/env node
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createKey } from '../../cli/keys.ts';
import { dynamoKeyStore } from '../../shared/adapters/dynamo-key-store.ts';
import { credentials, type LocalStack, startLocalStack } from '../stack.ts';
import { region } from '../template/physical-names.ts';

const usage = `usage: npm run local -- [options]

  --port <n>              port of the API (default 4318, where OTLP exporters look)
  --data <folder>         keep everything there between runs (default: nothing is kept)
  --assembly <folder>     run an assembly that is synthesized already
  --firehose-seconds <n>  flush rows into the archive so often (default 5)
  --sweep-seconds <n>     run scheduled functions so often (default: as the template says)
  --wait-seconds <n>      states of state machines wait at most so long (default: as the template says)
  --context <name=value>  as CDK's -c, e.g. judgeModels='{"providers":{"openai":{}}}'; may be given several times
  --secrets <file>        JSON of secrets by name, e.g. {"assay/Assay/openai":"sk-…"}
  --bedrock <url>         what answers for Bedrock's models
  --json                  print one JSON line when ready`;

interface Keys {
  readonly admin: string;
  readonly ingest: string;
}

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '4318' },
    data: { type: 'string' },
    assembly: { type: 'string' },
    'firehose-seconds': { type: 'string', default: '5' },
    'sweep-seconds': { type: 'string' },
    'wait-seconds': { type: 'string' },
    context: { type: 'string', multiple: true, default: [] },
    secrets: { type: 'string' },
    bedrock: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (options.help) {
  console.log(usage);
} else {
  try {
    await run();
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    console.error(isTaken ? `port ${options.port} is in use: choose another with --port` : error);
    process.exitCode = 1;
  }
}

async function run(): Promise<void> {
  const seconds = (value: string | undefined) => (value === undefined ? undefined : Number(value));
  const stack = await startLocalStack({
    port: Number(options.port),
    dataFolder: options.data === undefined ? undefined : resolve(options.data),
    assembly: options.assembly === undefined ? undefined : resolve(options.assembly),
    firehoseSeconds: Number(options['firehose-seconds']),
    sweepSeconds: seconds(options['sweep-seconds']),
    waitSeconds: seconds(options['wait-seconds']),
    context: Object.fromEntries(options.context.map(toSetting)),
    secretsFile: options.secrets === undefined ? undefined : resolve(options.secrets),
    bedrockUrl: options.bedrock,
    log: (line) => console.error(line),
  });
  stopOnSignals(stack);
  const keys = await keysOf(stack, options.data);
  console.log(options.json ? readyLine(stack, keys) : page(stack, keys));
}

function toSetting(text: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Error(`--context ${text}: expected name=value`);
  return [name, value];
}

/** The first signal stops everything; a second one does not wait for it. */
function stopOnSignals(stack: LocalStack): void {
  let isStopping = false;
  const stop = async () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    console.error('stopping …');
    await stack.stop();
    process.exit(0);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

/** Made by the CLI's own code with the machine's credentials; kept with the data that they open. */
async function keysOf(stack: LocalStack, dataFolder: string | undefined): Promise<Keys> {
  const file = dataFolder === undefined ? undefined : join(dataFolder, 'keys.json');
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Keys;
  const { dynamodb } = stack.clients();
  const deps = { keys: dynamoKeyStore(dynamodb, stack.outputs.get('RegistryTable') ?? ''), now: Date.now };
  const keys = {
    admin: await createKey({ role: 'admin', name: 'local admin', experimentIds: [] }, deps),
    ingest: await createKey({ role: 'ingest', name: 'local ingest', experimentIds: [] }, deps),
  };
  dynamodb.destroy();
  if (file !== undefined) writeFileSync(file, JSON.stringify(keys), { mode: 0o600 });
  return keys;
}

function readyLine(stack: LocalStack, keys: Keys): string {
  return JSON.stringify({
    url: stack.url,
    admin_key: keys.admin,
    ingest_key: keys.ingest,
    pid: process.pid,
    endpoint: stack.endpoint,
    ports: stack.ports,
    region,
    credentials: { ...credentials },
    outputs: Object.fromEntries(stack.outputs),
    functions: Object.fromEntries(stack.functions.map(({ spec, pool }) => [spec.name, pool.pids])),
  });
}

function page(stack: LocalStack, keys: Keys): string {
  return `Assay runs on this machine: the synthesized stack, its functions and tables.

  API          ${stack.url}
  AWS          ${stack.endpoint}  (DynamoDB, SQS, S3, Firehose, Athena, Step Functions)
  admin key    ${keys.admin}
  ingest key   ${keys.ingest}
  ports taken  ${Object.entries(stack.ports)
    .map(([name, port]) => `${port} (${name})`)
    .join(', ')}
  data         ${options.data ?? 'not kept (--data <folder> keeps it)'}

  Point an application at it:
    export OTEL_EXPORTER_OTLP_ENDPOINT=${stack.url}
    export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
    export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer ${keys.ingest}"

  Use the command line:
    export ASSAY_URL=${stack.url} ASSAY_KEY=${keys.admin} AWS_ENDPOINT_URL=${stack.endpoint}
    npx assay scorers register errors --heuristic error_free && npx assay scorers start errors --rate 1

  Ctrl-C stops it.`;
}
