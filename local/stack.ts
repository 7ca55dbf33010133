import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { FauxqsServer } from 'fauxqs';
import { HttpApi, type Route } from './api/http-api.ts';
import { routesOf } from './api/routes.ts';
import type { Signer } from './api/signature.ts';
import { signersOf } from './api/signers.ts';
import { type Caller, Gateway } from './gateway/gateway.ts';
import type { Access } from './gateway/policy.ts';
import { EventSource } from './lambda/event-source.ts';
import { eventSourcesOf } from './lambda/event-sources.ts';
import { functionsOf, type LocalFunction } from './lambda/functions.ts';
import { invocations } from './lambda/invocations.ts';
import { Schedules } from './schedules.ts';
import { Athena } from './services/athena.ts';
import { type LocalDynamoDB, startDynamoDB } from './services/dynamodb.ts';
import { Firehose } from './services/firehose.ts';
import { queueName, startQueuesAndBuckets } from './services/queues-and-buckets.ts';
import { secretsService } from './services/secrets.ts';
import { glueTables, openWarehouse, type Warehouse } from './services/warehouse.ts';
import { machinesOf } from './states/machines.ts';
import { StateMachines } from './states/state-machines.ts';
import { type Deployment, deploy, synthesize } from './template/assembly.ts';
import { region } from './template/physical-names.ts';

export interface LocalStackOptions {
  /** Of the API; 0 takes any free one. */
  readonly port?: number;
  /** Keeps everything there; without it nothing outlives the stack. */
  readonly dataFolder?: string | undefined;
  /** An assembly that is there already. */
  readonly assembly?: string | undefined;
  /** Between two flushes of the delivery streams; on AWS it is the template's buffering interval. */
  readonly firehoseSeconds?: number;
  /** Between two runs of scheduled functions; the template's rate where it is not given. */
  readonly sweepSeconds?: number | undefined;
  /** At most so long a state of a state machine waits; as long as the template says where it is not given. */
  readonly waitSeconds?: number | undefined;
  /** CDK's context, as `-c` gives it. */
  readonly context?: Readonly<Record<string, string>>;
  /** A JSON file of secrets by name. */
  readonly secretsFile?: string | undefined;
  /** What answers for Bedrock; without it there is none. */
  readonly bedrockUrl?: string | undefined;
  readonly log?: (line: string) => void;
}

/** The user of this machine, whom no policy limits. */
export const credentials = { accessKeyId: 'local', secretAccessKey: 'local' } as const;

/** The synthesized stack, running on this machine. */
export class LocalStack {
  readonly url: string;
  readonly endpoint: string;
  readonly outputs: ReadonlyMap<string, string>;
  readonly functions: readonly LocalFunction[];
  readonly eventSources: readonly EventSource[];
  readonly stateMachines: StateMachines;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.url = parts.url;
    this.endpoint = parts.endpoint;
    this.outputs = parts.deployment.outputs;
    this.functions = parts.functions;
    this.eventSources = parts.eventSources;
    this.stateMachines = parts.stateMachines;
  }

  /** Every port that was taken, by what answers there. */
  get ports(): Readonly<Record<string, number>> {
    const { dynamodb, fauxqs } = this.#parts;
    return {
      api: Number(new URL(this.url).port),
      aws: Number(new URL(this.endpoint).port),
      'DynamoDB behind it': dynamodb.port,
      'SQS and S3 behind it': fauxqs.port,
    };
  }

  /** Clients of the machine's user. */
  clients(): { dynamodb: DynamoDBClient; s3: S3Client; sqs: SQSClient } {
    const options = { endpoint: this.endpoint, region, credentials: { ...credentials } };
    return {
      dynamodb: new DynamoDBClient(options),
      s3: new S3Client({ ...options, forcePathStyle: true }),
      sqs: new SQSClient(options),
    };
  }

  flushFirehose(): Promise<void> {
    return this.#parts.firehose.flush();
  }

  /** Runs the scheduled functions now. */
  runSchedules(): Promise<void> {
    return this.#parts.schedules.runAll();
  }

  /** Waits until no message is visible, delayed or being worked on. */
  async drain(timeoutMs = 60_000): Promise<void> {
    const until = Date.now() + timeoutMs;
    for (let quiet = 0; quiet < 2; ) {
      if (Date.now() > until)
        throw new Error(`queues are not empty after ${timeoutMs} ms: ${JSON.stringify(this.queueDepths())}`);
      quiet = this.#isQuiet() ? quiet + 1 : 0;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  queueDepths(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#parts.queues.map((name) => [name, depth(this.#parts.fauxqs, name)]));
  }

  /** Messages in dead-letter queues. */
  deadLetters(): number {
    const depths = Object.entries(this.queueDepths());
    return depths.filter(([name]) => name.includes('DeadLetters')).reduce((sum, [, count]) => sum + count, 0);
  }

  /** What a function or a state machine has done with AWS so far. */
  accessesOf(name: string): readonly Access[] {
    return [...(this.#parts.gateway.accesses.get(name)?.values() ?? [])];
  }

  /** Kills the processes of a function, as a crash of their machines would. */
  killFunction(name: string): void {
    for (const { pool } of this.functions.filter(({ spec }) => spec.name === name)) pool.kill();
  }

  async stop(): Promise<void> {
    const {
      api,
      schedules,
      functions,
      eventSources,
      stateMachines,
      gateway,
      fauxqs,
      dynamodb,
      warehouse,
      firehose,
      timer,
      folder,
      isTemporary,
    } = this.#parts;
    clearInterval(timer);
    schedules.stop();
    await api.close();
    await stateMachines.shutDown();
    await Promise.all(eventSources.map((source) => source.stop()));
    await Promise.all(functions.map(({ pool }) => pool.stop()));
    await firehose.flush();
    await gateway.close();
    await Promise.all([fauxqs.stop(), dynamodb.close()]);
    warehouse.close();
    if (isTemporary) rmSync(folder, { recursive: true, force: true });
  }

  #isQuiet(): boolean {
    const { functions, eventSources, queues, fauxqs } = this.#parts;
    const isWorking = functions.some(({ pool }) => pool.busy > 0) || eventSources.some(({ inFlight }) => inFlight > 0);
    return !isWorking && queues.every((name) => name.includes('DeadLetters') || depth(fauxqs, name) === 0);
  }
}

interface Parts {
  readonly url: string;
  readonly endpoint: string;
  readonly deployment: Deployment;
  readonly api: HttpApi;
  readonly schedules: Schedules;
  readonly functions: readonly LocalFunction[];
  readonly eventSources: readonly EventSource[];
  readonly stateMachines: StateMachines;
  readonly gateway: Gateway;
  readonly fauxqs: FauxqsServer;
  readonly dynamodb: LocalDynamoDB;
  readonly warehouse: Warehouse;
  readonly firehose: Firehose;
  readonly queues: readonly string[];
  readonly timer: NodeJS.Timeout;
  readonly folder: string;
  readonly isTemporary: boolean;
}

function depth(fauxqs: FauxqsServer, name: string): number {
  const { ready, delayed, inflight } = fauxqs.inspectQueue(name)?.messages ?? { ready: [], delayed: [], inflight: [] };
  return ready.length + delayed.length + inflight.length;
}

/** Synthesizes the app and starts what its templates describe. */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const { dataFolder, firehoseSeconds = 5, log = () => undefined } = options;
  // First of all: a port that is taken must leave nothing behind that runs.
  let routes: readonly Route[] = [];
  let signers: ReadonlyMap<string, Signer> = new Map();
  const api = new HttpApi({ routes: () => routes, signers: () => signers, log });
  const url = `http://127.0.0.1:${await api.listen(options.port ?? 0)}`;
  const assembly = options.assembly ?? (await synthesize(options.context));
  const folder = dataFolder ?? mkdtempSync(join(tmpdir(), 'assay-'));
  mkdirSync(folder, { recursive: true });
  const kept = (name: string) => (dataFolder === undefined ? undefined : join(folder, name));

  // Addresses are needed to resolve the templates, and the templates to know what stands behind the addresses.
  let deployment: Deployment = { resources: [], outputs: new Map() };
  const callers = new Map<string, Caller>();
  const upstreams = new Map<string, number | URL>();
  if (options.bedrockUrl !== undefined) upstreams.set('bedrock', new URL(options.bedrockUrl));
  const services: Record<string, (operation: string, input: Readonly<Record<string, unknown>>) => Promise<unknown>> =
    {};
  const controls: Record<string, () => Promise<unknown>> = {};
  let athena: Athena | undefined;
  const gateway = new Gateway({
    resources: () => deployment.resources,
    callers,
    upstreams,
    services,
    workgroupOf: (id) => athena?.workgroupOf(id),
    control: (path) => controls[path]?.(),
  });
  const endpoint = `http://127.0.0.1:${await gateway.listen()}`;
  deployment = deploy(assembly, { endpoint, apiUrl: url });

  const { resources } = deployment;
  const tables = glueTables(resources);
  const warehouse = await openWarehouse(kept('athena.duckdb'));
  const dynamodb = await startDynamoDB(
    resources.filter(({ type }) => /^AWS::DynamoDB::(Global)?Table$/.test(type)),
    { path: kept('dynamodb') },
  );
  const fauxqs = await startQueuesAndBuckets(resources, { folder: kept('queues-and-buckets') });
  upstreams.set('dynamodb', dynamodb.port).set('sqs', fauxqs.port).set('s3', fauxqs.port);
  const direct = { endpoint: `http://127.0.0.1:${fauxqs.port}`, region, credentials: { ...credentials } };
  const directS3 = new S3Client({ ...direct, forcePathStyle: true });
  const archiveFolder = join(folder, 'archive');
  const firehose = new Firehose({
    resources,
    tables,
    warehouse,
    s3: directS3,
    bufferFolder: join(folder, 'firehose'),
    archiveFolder,
    log,
  });
  athena = new Athena({ resources, tables, warehouse, s3: directS3, archiveFolder });
  Object.assign(services, { firehose: firehose.service, athena: athena.service, ...dynamodb.translations });
  services.secretsmanager = secretsService(options.secretsFile);

  const functions = functionsOf(deployment, { assembly, endpoint, log });
  for (const { accessKeyId, spec, statements } of functions)
    callers.set(accessKeyId, { kind: 'function', name: spec.name, statements });
  services.lambda = invocations(functions);
  const machines = machinesOf(resources, { endpoint, gateway, waitSeconds: options.waitSeconds, log });
  for (const { accessKeyId, caller } of machines) callers.set(accessKeyId, caller);
  const stateMachines = new StateMachines({
    machines: machines.map(({ machine }) => machine),
    folder: kept('executions'),
  });
  services.states = stateMachines.service;
  signers = signersOf(credentials, functions);
  routes = routesOf(resources, functions);
  const sqs = new SQSClient({ ...direct, md5: false });
  const eventSources = eventSourcesOf(resources, functions).map(
    ({ spec, pool }) => new EventSource(spec, { sqs, pool, log, delayed: gateway.delayedReceipts }),
  );
  const schedules = new Schedules(resources, { functions, seconds: options.sweepSeconds, log });
  const timer = setInterval(
    () => firehose.flush().catch((error: unknown) => log(`firehose: ${String(error)}`)),
    firehoseSeconds * 1000,
  );
  const queues = resources.filter(({ type }) => type === 'AWS::SQS::Queue').map(queueName);
  const stack = new LocalStack({
    url,
    endpoint,
    deployment,
    api,
    schedules,
    functions,
    eventSources,
    stateMachines,
    gateway,
    fauxqs,
    dynamodb,
    warehouse,
    firehose,
    queues,
    timer,
    folder,
    isTemporary: dataFolder === undefined,
  });
  Object.assign(controls, {
    '/_local/flush': () => stack.flushFirehose(),
    '/_local/drain': () => stack.drain(),
    '/_local/sweep': () => stack.runSchedules(),
    '/_local/queues': async () => stack.queueDepths(),
    '/_local/executions': async () => stateMachines.summaries(),
    '/_local/outputs': async () => Object.fromEntries(stack.outputs),
  });
  for (const source of eventSources) source.start();
  schedules.start();
  stateMachines.resume();
  return stack;
}
