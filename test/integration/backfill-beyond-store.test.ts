import { setTimeout as wait } from 'node:timers/promises';
import { BatchWriteItemCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAllowed } from '../../local/gateway/policy.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { samplingCoordinate } from '../../shared/domain/sampling.ts';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { traceStore } from '../support/stored-trace.ts';

const dayMs = 86_400_000;
const now = Date.now();
/** Seconds after the time that bodies count from. */
const secondsOf = (epochMs: number) => (epochMs - Date.UTC(2026, 10, 21, 12)) / 1000;

/** Traces of sixty to forty days ago, one of them of yesterday. */
const count = 40;
const timeOf = (n: number) => (n === young ? now - dayMs : now - 60 * dayMs + n * (dayMs / 2));
const idOf = (n: number) => `tr-${traceIdOf(n)}`;
const [young, deleted, ofRun, tagged, said] = [0, 5, 6, 7, 8];
/** Its question fits no record of Firehose; every scorer samples it. */
const large =
  Array.from({ length: count }, (_, n) => n).find((n) => n > said && samplingCoordinate(idOf(n)) < 0.5) ?? 0;

function questionOf(n: number): string {
  const question = `what is ${n}? ${n === large ? 'long '.repeat(250_000) : ''}`;
  return JSON.stringify({ question, 'ключ "x"\n': n });
}

function spansOf(n: number): readonly JsonSpan[] {
  const start = secondsOf(timeOf(n));
  const trace = { traceId: traceIdOf(n), start, end: start + 2 };
  return [
    {
      ...trace,
      spanId: spanIdOf(0),
      name: 'agent',
      attributes: {
        'input.value': questionOf(n),
        'output.value': n % 3 === 0 ? 'sorry, I cannot' : `it's ${n}; ${'long '.repeat(n * 20)}`,
        'mlflow.traceTag.kind': n % 4 === 0 ? 'odd one' : 'plain',
        'llm.model_name': 'gpt-4o',
        'llm.token_count.prompt': n,
        'llm.token_count.completion': 2 * n,
      },
    },
    { ...trace, spanId: spanIdOf(1), parentSpanId: spanIdOf(0), name: 'tool', status: { code: n % 7 === 0 ? 2 : 1 } },
  ];
}

let stack: TestStack;
let sfn: SFNClient;
beforeAll(async () => {
  // What is written to the archive gets there when the test says so.
  stack = await startTestStack({ firehoseSeconds: 3_600, waitSeconds: 0.05 });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  sfn = new SFNClient({ endpoint: stack.stack.endpoint, region: 'us-east-1', credentials });
  await register('polite', { type: 'keywords', keywords: ['sorry'], mode: 'none' });
  await register('calm', { type: 'error_free' });
  await stack.api('PUT', `${scorers}/online-config`, { experiment_id: '0', name: 'polite', sample_rate: 0.3 });
  const headers = { 'content-type': 'application/json' };
  for (let n = 0; n < count; n++) await stack.send(JSON.stringify(exportRequest(spansOf(n))), { headers });
  await stack.stack.drain();
  await sayMore();
  await stack.stack.drain();
  await stack.stack.flushFirehose();
}, 120_000);
afterAll(async () => {
  sfn.destroy();
  await stack.stop();
});

const scorers = '/api/3.0/mlflow/scorers';

async function register(name: string, definition: object): Promise<void> {
  const serialized = JSON.stringify({ name, serialization_version: 1, assay_heuristic: definition });
  await stack.api('POST', `${scorers}/register`, { experiment_id: '0', name, serialized_scorer: serialized });
}

/** What is said of traces beside their spans, and what people do with them. */
async function sayMore(): Promise<void> {
  const location = { mlflow_experiment: { experiment_id: '0' } };
  const start = (n: number, more: object) =>
    stack.api('POST', '/api/3.0/mlflow/traces', {
      trace: {
        trace_info: {
          trace_id: idOf(n),
          trace_location: location,
          request_time: new Date(timeOf(n)).toISOString(),
          ...more,
        },
      },
    });
  await start(ofRun, { trace_metadata: { 'mlflow.sourceRun': 'run-1' } });
  await start(said, { state: 'ERROR', execution_duration: '1.5s', request_preview: 'said', tags: { kind: 'plain' } });
  await stack.api('PATCH', `/api/3.0/mlflow/traces/${idOf(tagged)}/tags`, { key: 'kind', value: 'odd one' });
  for (const value of [3, 4]) {
    const assessment = {
      assessment_name: 'stars',
      feedback: { value },
      source: { source_type: 'HUMAN', source_id: 'ann' },
    };
    const created = await stack.api('POST', `/api/3.0/mlflow/traces/${idOf(tagged)}/assessments`, { assessment });
    const { assessment_id: id } = created.json().assessment as unknown as { assessment_id: string };
    if (value === 3) await stack.api('DELETE', `/api/3.0/mlflow/traces/${idOf(tagged)}/assessments/${id}`);
  }
  await stack.stack.drain();
  const request = { experiment_id: '0', request_ids: [idOf(deleted)], trace_ids: [idOf(deleted)] };
  const answer = await stack.api('POST', '/api/3.0/mlflow/traces/delete-traces', request);
  expect(answer.json()).toMatchObject({ traces_deleted: 1 });
}

/** Whoever has been at work remembers for a day which days it has announced. */
function forgetDays(): void {
  stack.stack.killFunction('restore-traces');
}

/** Removes the old traces from the table and its bytes from the store, as expiry and lifecycle do; items may be removed later. */
async function expire({ itemsStay = false } = {}): Promise<void> {
  const { dynamodb, s3 } = stack.stack.clients();
  const TableName = stack.stack.outputs.get('TracesTable') ?? '';
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName }));
  const dayOfYoung = new Date(timeOf(young)).toISOString().slice(0, 10);
  const isOld = (pk: string, sk: string) =>
    (pk.startsWith('tr-') && pk !== idOf(young)) || (pk.startsWith('days#') && sk !== dayOfYoung);
  const keys = Items.filter(({ pk, sk }) => isOld(pk?.S ?? '', sk?.S ?? '')).map(({ pk, sk }) => ({ pk, sk }) as never);
  for (const Key of itemsStay ? keys : [])
    await dynamodb.send(
      new UpdateItemCommand({
        ...{ TableName, Key, UpdateExpression: 'SET expiresAt = :past, lastArrivalAt = :past' },
        ExpressionAttributeValues: { ':past': { N: '1' } },
      }),
    );
  for (let i = 0; i < keys.length && !itemsStay; i += 25)
    await dynamodb.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: keys.slice(i, i + 25).map((Key) => ({ DeleteRequest: { Key } })) },
      }),
    );
  forgetDays();
  const Bucket = stack.stack.outputs.get('TraceStoreBucket') ?? '';
  const { record } = await traceStore(stack.stack).read(idOf(young));
  const kept = record.info.blocks.map(({ key }) => key);
  for (const Prefix of ['segments/', 'restored/']) {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    for (const { Key = '' } of Contents)
      if (!kept.includes(Key)) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  }
}

const request = {
  experiment_id: '0',
  scorers: [
    { name: 'polite', sample_rate: 0.8 },
    { name: 'calm', sample_rate: 0.6 },
  ],
  start_time: now - 61 * dayMs,
  filter: "tag.kind = 'plain'",
};

const isPositive = (n: number) => n > 0;

/** Runs an execution to its end. */
async function run(name: string, more: object = {}) {
  const stateMachineArn = stack.stack.outputs.get('BackfillStateMachine') ?? '';
  const input = JSON.stringify({ ...request, ...more });
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
  for (;;) {
    const { status, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    if (status !== 'RUNNING') {
      expect([status, cause]).toEqual(['SUCCEEDED', undefined]);
      const answer = await stack.api('GET', `/api/1.0/assay/backfills/${name}?experiment_id=0`);
      return answer.json().backfill as unknown as Answered;
    }
    await wait(30);
  }
}

interface Answered {
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly plan: { readonly traces: number };
  readonly scorers: readonly {
    readonly counts: Readonly<Record<string, number>>;
    readonly predicted: { readonly evaluations: number };
  }[];
}

/** Every trace as it stands in the index, with what was found of it; not when it was written, and not where its bytes lie. */
async function everything() {
  const { dynamodb } = stack.stack.clients();
  const reader = dynamoTraceReader(dynamodb, stack.stack.outputs.get('TracesTable') ?? '');
  const all = Array.from({ length: count }, (_, n) => idOf(n));
  const records = await Promise.all(all.map(async (id) => [id, await reader.readTrace(id)] as const));
  return new Map(
    records.flatMap(([id, record]) =>
      record === undefined
        ? []
        : [
            [
              id,
              {
                facts: record.info.facts,
                completeness: record.info.completeness,
                decided: record.info.decision !== undefined,
                assessments: record.assessments.map(({ createdAt, updatedAt, metadata, ...assessment }) => assessment),
                outcomes: record.outcomes.map(({ scorerName, state }) => `${scorerName} ${state}`),
              },
            ] as const,
          ],
    ),
  );
}

describe('a backfill of traces that the trace store holds no more', () => {
  let hot: { answer: Answered; traces: Awaited<ReturnType<typeof everything>> };
  let archived: typeof hot;
  let predicted: Answered;

  beforeAll(async () => {
    hot = { answer: await run('hot'), traces: await everything() };
    await expire();
    predicted = await run('dry', { dry_run: true });
    expect([...(await everything()).keys()]).toEqual([idOf(young)]);
    archived = { answer: await run('archived'), traces: await everything() };
  }, 120_000);

  it('ends with the same counts', () => {
    expect(archived.answer.scorers.map(({ counts }) => counts)).toEqual(hot.answer.scorers.map(({ counts }) => counts));
    expect(archived.answer).toMatchObject({ state: 'finished', plan: { traces: count - 1 } });
    for (const { counts } of archived.answer.scorers) {
      const { found, ...fates } = counts;
      expect(Object.values(fates).reduce((sum, n) => sum + n, 0)).toBe(found);
      expect(found).toBe(count - 1);
    }
  });

  it('finds something of every kind, so that the counts tell', () => {
    const [polite, calm] = archived.answer.scorers;
    expect(polite?.counts).toMatchObject({
      already_done: expect.toSatisfy(isPositive),
      filtered: expect.toSatisfy(isPositive),
    });
    expect(calm?.counts).toMatchObject({
      judged: expect.toSatisfy(isPositive),
      not_sampled: expect.toSatisfy(isPositive),
    });
  });

  it('leaves behind the same traces, with the same assessments under the same ids', () => {
    const sampled = [...hot.traces].filter(([id]) => id === idOf(young) || samplingCoordinate(id) < 0.8);
    expect([...archived.traces]).toEqual(sampled);
    expect(sampled.length).toBeGreaterThan(20);
  });

  it('restores what was said of traces, and what people made of them', () => {
    const traces = archived.traces;
    expect(traces.get(idOf(said))?.facts).toMatchObject({ state: 'ERROR', durationMs: 1_500, requestPreview: 'said' });
    expect(traces.get(idOf(tagged))?.facts.tags).toEqual({ kind: 'odd one' });
    expect(traces.get(idOf(tagged))?.assessments.filter(({ name }) => name === 'stars')).toMatchObject([{ value: 4 }]);
  });

  it('brings no deleted trace back', () => {
    expect(hot.traces.has(idOf(deleted)) || archived.traces.has(idOf(deleted))).toBe(false);
  });

  it('is predicted by a dry run, which restores nothing', () => {
    expect(predicted).toMatchObject({ state: 'planned', plan: { traces: count - 1 } });
    predicted.scorers.forEach((scorer, i) => {
      const { judged = 0, filtered = 0 } = hot.answer.scorers[i]?.counts ?? {};
      // The archive is not asked about filters.
      expect(scorer.predicted.evaluations).toBeGreaterThanOrEqual(judged);
      expect(scorer.predicted.evaluations).toBeLessThanOrEqual(judged + filtered);
    });
  });

  it('has the spans back, also what fitted no row of the archive', async () => {
    for (const n of [said, large]) {
      const { spans } = await traceStore(stack.stack).read(idOf(n));
      expect(spans.map(({ name }) => name)).toEqual(['agent', 'tool']);
      expect(spans[0]?.attributes['input.value']).toBe(questionOf(n));
    }
  });

  it('is done again with nothing left to do', async () => {
    const again = await run('again');
    expect(again.counts.judged).toBe(0);
    expect(again.counts.already_done).toBe(
      (archived.answer.counts.judged ?? 0) + (archived.answer.counts.already_done ?? 0),
    );
  });

  it('restores what is not there, where a part of the range was restored before', async () => {
    await expire();
    const first = await run('half', { end_time: timeOf(20), scorers: [{ name: 'calm', sample_rate: 0.6 }] });
    const both = await run('whole', { scorers: [{ name: 'calm', sample_rate: 0.6 }] });
    const { judged = 0, already_done: done = 0, found } = both.counts;
    expect([done, found]).toEqual([first.counts.judged, count - 1]);
    expect(done + judged).toBe(hot.answer.scorers[1]?.counts.judged);
  });

  it('unloads to another place where a try has left something behind', async () => {
    await expire();
    const { s3 } = stack.stack.clients();
    const Bucket = stack.stack.outputs.get('TraceStoreBucket');
    await s3.send(new PutObjectCommand({ Bucket, Key: 'unloaded/tried/1-0/bucket=0/half.gz', Body: 'half' }));
    const scorer = { name: 'calm', sample_rate: 0.6 };
    const { counts } = await run('tried', { scorers: [scorer], mode: 'all', end_time: timeOf(count / 2) });
    expect(counts.judged).toBeGreaterThan(0);
    const { KeyCount = 0 } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'unloaded/tried/1-1/' }));
    expect(KeyCount).toBeGreaterThan(0);
  });

  it('restores what has expired, where its items are still in the table', async () => {
    await expire({ itemsStay: true });
    const scorer = { name: 'calm', sample_rate: 0.6 };
    const { counts } = await run('late', { scorers: [scorer], mode: 'all', end_time: timeOf(count / 2) });
    expect(counts).toMatchObject({ deleted: 0, failed: 0 });
    expect(counts.judged).toBeGreaterThan(0);
  });

  it('takes the rights that the template grants, and no more', () => {
    const [restore] = stack.stack.functions.filter(({ spec }) => spec.name === 'restore-traces');
    const used = stack.stack.accessesOf('restore-traces');
    const listed = (value: string | readonly string[] = []) => (typeof value === 'string' ? [value] : value);
    const rights = (restore?.statements ?? []).flatMap(({ Effect, Action, Resource }) =>
      listed(Action).flatMap((one) => listed(Resource).map((of) => ({ Effect, Action: one, Resource: of }))),
    );
    const unused = rights.filter((right) => !used.some((access) => isAllowed(access, [right])));
    expect(unused.map(({ Action }) => Action).filter((action) => !action.startsWith('xray:'))).toEqual([]);
    expect(rights.length).toBeGreaterThan(5);
    expect(stack.stack.deadLetters()).toBe(0);
  });
});
