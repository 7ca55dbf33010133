import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  DescribeMapRunCommand,
  ExecutionAlreadyExists,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListMapRunsCommand,
  RedriveExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  UpdateMapRunCommand,
} from '@aws-sdk/client-sfn';
import aslValidator from 'asl-validator';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LocalStack, startLocalStack } from '../../local/stack.ts';
import { synthesizeSlices } from '../support/states/slices-stack.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
let folder: string;
let assembly: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-states-'));
  assembly = synthesizeSlices(join(folder, 'assembly'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The machine behind an endpoint, as the SDK's clients see it. */
class Slices {
  readonly sfn: SFNClient;
  readonly #s3: S3Client;
  readonly machine: string;
  readonly #bucket: string;

  constructor({ endpoint, outputs }: { endpoint: string; outputs: Readonly<Record<string, string>> }) {
    const options = { endpoint, region: 'us-east-1', credentials };
    this.sfn = new SFNClient(options);
    this.#s3 = new S3Client({ ...options, forcePathStyle: true });
    this.machine = outputs.MachineOutput ?? '';
    this.#bucket = outputs.BucketOutput ?? '';
  }

  async start(name: string, input: object): Promise<string> {
    const start = { stateMachineArn: this.machine, name, input: JSON.stringify({ ms: 0, least: 0, ...input }) };
    return (await this.sfn.send(new StartExecutionCommand(start))).executionArn ?? '';
  }

  async ended(executionArn: string) {
    for (;;) {
      const answer = await this.sfn.send(new DescribeExecutionCommand({ executionArn }));
      if (answer.status !== 'RUNNING') return answer;
      await wait(50);
    }
  }

  async mapRun(executionArn: string) {
    const { mapRuns = [] } = await this.sfn.send(new ListMapRunsCommand({ executionArn }));
    const mapRunArn = mapRuns[0]?.mapRunArn;
    return mapRunArn === undefined ? undefined : this.sfn.send(new DescribeMapRunCommand({ mapRunArn }));
  }

  /** How often each slice was done. */
  async done(): Promise<ReadonlyMap<number, number>> {
    const counts = new Map<number, number>();
    const place = { Bucket: this.#bucket, Prefix: 'done/' };
    const { Contents = [] } = await this.#s3.send(new ListObjectsV2Command(place));
    for (const { Key = '' } of Contents) {
      const slice = Number(Key.split('/')[1]);
      counts.set(slice, (counts.get(slice) ?? 0) + 1);
    }
    return counts;
  }

  async read(Key: string): Promise<string> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key }));
    return (await Body?.transformToString()) ?? '';
  }
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

it('is a definition that the validator has nothing against', () => {
  const template = JSON.parse(readFileSync(join(assembly, 'Slices.template.json'), 'utf8'));
  const machines = Object.values(template.Resources as Record<string, Resource>).filter(
    ({ Type }) => Type === 'AWS::StepFunctions::StateMachine',
  );
  const [, parts] = machines[0]?.Properties?.DefinitionString['Fn::Join'] ?? ['', []];
  const text = parts.map((part) => (typeof part === 'string' ? part : 'aws')).join('');
  const { isValid, errorsText } = aslValidator(JSON.parse(text), { checkPaths: true, checkArn: false });
  expect([isValid, isValid ? '' : errorsText()]).toEqual([true, '']);
});

interface Resource {
  readonly Type: string;
  readonly Properties?: { readonly DefinitionString: { readonly 'Fn::Join': readonly [string, readonly unknown[]] } };
}

describe('a synthesized machine', () => {
  let stack: LocalStack;
  let slices: Slices;
  beforeAll(async () => {
    stack = await startLocalStack({ assembly, waitSeconds: 0.1 });
    slices = new Slices({ endpoint: stack.endpoint, outputs: Object.fromEntries(stack.outputs) });
  });
  afterAll(() => stack.stop());

  it('runs its functions over what it reads, and writes what came of it', async () => {
    const arn = await slices.start('whole', { slices: 23 });
    const { status, output = '', cause } = await slices.ended(arn);
    expect([status, cause]).toEqual(['SUCCEEDED', undefined]);
    expect([...(await slices.done()).keys()].sort((a, b) => a - b)).toEqual(upTo(23));
    const { ResultWriterDetails } = JSON.parse(output) as { ResultWriterDetails: { Key: string } };
    const manifest = JSON.parse(await slices.read(ResultWriterDetails.Key)) as {
      ResultFiles: { SUCCEEDED: { Key: string }[] };
    };
    const lines = await slices.read(manifest.ResultFiles.SUCCEEDED[0]?.Key ?? '');
    expect(
      lines
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([...[{ done: 5 }, { done: 5 }, { done: 5 }, { done: 5 }, { done: 3 }]]);
    expect(await slices.mapRun(arn)).toMatchObject({
      status: 'SUCCEEDED',
      executionCounts: { total: 5, succeeded: 5, resultsWritten: 5 },
      itemCounts: { total: 23, succeeded: 23 },
    });
    // Plan, Slices, Settle, Done, Ok; and the map's five children.
    const executions = (await (await fetch(`${stack.endpoint}/_local/executions`)).json()) as unknown;
    expect(executions).toEqual([{ arn, status: 'SUCCEEDED', transitions: 5, expressRequests: 5 }]);
    const { events = [] } = await slices.sfn.send(new GetExecutionHistoryCommand({ executionArn: arn }));
    expect(events.at(-1)).toMatchObject({ type: 'ExecutionSucceeded', timestamp: expect.any(Date) });
  });

  it('does under its role what the template grants it', () => {
    const done = stack.accessesOf(machineName(slices.machine));
    expect(done.map(({ action }) => action).sort()).toEqual([
      ...['lambda:InvokeFunction', 's3:GetObject', 's3:PutObject', 's3:PutObject', 'states:StartExecution'],
    ]);
  });

  it('answers a start that is repeated, and refuses another under the same name', async () => {
    const arn = await slices.start('twice', { slices: 1, ms: 500 });
    expect(await slices.start('twice', { slices: 1, ms: 500 })).toBe(arn);
    await expect(slices.start('twice', { slices: 2 })).rejects.toBeInstanceOf(ExecutionAlreadyExists);
    await slices.ended(arn);
  });

  it('is stopped, goes on when it is redriven, and takes another concurrency meanwhile', async () => {
    const arn = await slices.start('stopped', { slices: 40, ms: 150, least: 1_000 });
    for (; ((await slices.mapRun(arn))?.executionCounts?.succeeded ?? 0) < 2; ) await wait(20);
    await slices.sfn.send(new StopExecutionCommand({ executionArn: arn, error: 'Paused' }));
    expect(await slices.ended(arn)).toMatchObject({ status: 'ABORTED', error: 'Paused' });
    const before = await slices.mapRun(arn);
    expect(before?.status).toBe('ABORTED');
    await slices.sfn.send(new RedriveExecutionCommand({ executionArn: arn }));
    await slices.sfn.send(new UpdateMapRunCommand({ mapRunArn: before?.mapRunArn, maxConcurrency: 3 }));
    expect((await slices.ended(arn)).status).toBe('SUCCEEDED');
    expect(await slices.mapRun(arn)).toMatchObject({
      ...{ mapRunArn: before?.mapRunArn, maxConcurrency: 3, redriveCount: 1 },
      executionCounts: { total: 8, succeeded: 8, aborted: 0 },
    });
    const done = await slices.done();
    expect(upTo(40).filter((slice) => !done.has(slice + 1_000))).toEqual([]);
  });

  it('ends as it says when a function fails', async () => {
    const arn = await slices.start('bad', { slices: 7, least: -1 });
    expect(await slices.ended(arn)).toMatchObject({ status: 'FAILED', error: 'BadSlices' });
    const { mapRunArn } = (await slices.mapRun(arn)) ?? {};
    const failed = await slices.sfn.send(new ListExecutionsCommand({ mapRunArn, statusFilter: 'FAILED' }));
    expect(failed.executions).toHaveLength(1);
    const [record] = stack.stateMachines.execution(arn).log.recorded.mapRuns.values();
    expect([...(record?.ends.values() ?? [])].find(({ status }) => status === 'FAILED')?.error).toBe('BadSliceError');
  });
});

function machineName(arn: string): string {
  return arn.split(':').at(-1) ?? '';
}

describe('a process that is killed', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  async function startProcess(): Promise<{ child: ChildProcess; slices: Slices }> {
    const program = join(import.meta.dirname, '../support/states/slices-process.ts');
    const data = join(folder, 'data');
    const child = spawn(process.execPath, [program, assembly, data], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line');
    return { child, slices: new Slices(JSON.parse(line)) };
  }

  it('loses nothing of what its machines have done', async () => {
    const { child, slices } = await startProcess();
    const arn = await slices.start('killed', { slices: 60, ms: 150 });
    for (; ((await slices.mapRun(arn))?.executionCounts?.succeeded ?? 0) < 4; ) await wait(20);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = (await startProcess()).slices;
    expect((await next.ended(arn)).status).toBe('SUCCEEDED');
    const done = await next.done();
    expect([...done.keys()].sort((a, b) => a - b)).toEqual(upTo(60));
    // Two children of five slices each were running; the rest is not done again.
    expect([...done.values()].filter((count) => count > 1).length).toBeLessThanOrEqual(10);
    expect((await next.mapRun(arn))?.executionCounts).toMatchObject({ total: 12, succeeded: 12 });
  });
});
