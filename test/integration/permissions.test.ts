import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Access, isAllowed, type Statement } from '../../local/gateway/policy.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { dynamoTraceRemover } from '../../shared/adapters/dynamo-trace-remover.ts';
import { otlpJsonToProtobuf } from '../../shared/contracts/otlp/from-json.ts';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { localCredentials } from '../support/local-credentials.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { ModelServer } from '../support/model-server/model-server.ts';
import type { Scripted } from '../support/model-server/script.ts';

let answer: Scripted = {};
const server = new ModelServer(() => answer);
let stack: TestStack;
beforeAll(async () => {
  await server.listen();
  stack = await startTestStack({ bedrockUrl: server.url, waitSeconds: 1 });
  await useEverything();
  // It waits for much: what settles, judges that are away.
}, 300_000);
afterAll(async () => {
  await stack.stop();
  await server.close();
});

const scorers = '/api/3.0/mlflow/scorers';
const patience = { timeout: 30_000, interval: 100 };

/** Until the spans of a trace are indexed, whatever else is under way. */
async function untilThere(n: number): Promise<void> {
  await vi.waitFor(async () => {
    const { trace } = (await stack.api('GET', `/api/3.0/mlflow/traces/get?trace_id=tr-${traceIdOf(n)}`)).json();
    expect(trace).toMatchObject({ spans: expect.arrayContaining([expect.anything()]) });
  }, patience);
}

/** What users do, until every function has had to do everything that it can. */
async function useEverything(): Promise<void> {
  // No longer than it must, for the queues to be empty soon.
  const quick = { name: 'all', tags: [{ key: 'assay.settleDelaySeconds', value: '1' }] };
  const { experiment_id: id } = (await stack.api('POST', '/api/2.0/mlflow/experiments/create', quick)).json();
  await stack.api('POST', '/api/2.0/mlflow/experiments/search', {});
  await stack.api('POST', '/api/2.0/mlflow/experiments/update', { experiment_id: id, new_name: 'everything' });
  await useRuns(String(id));
  await nameTables(String(id));
  for (const name of ['kept', 'gone']) {
    const serialized = JSON.stringify({ name, serialization_version: 1, assay_heuristic: { type: 'error_free' } });
    await stack.api('POST', `${scorers}/register`, { experiment_id: id, name, serialized_scorer: serialized });
    await stack.api('PUT', `${scorers}/online-config`, { experiment_id: id, name, sample_rate: 1 });
  }
  await startSessionJudge(String(id));
  await startJudge(String(id));
  await stack.api('DELETE', `${scorers}/delete`, { experiment_id: id, name: 'gone' });
  // Another function of Assay's, and one of a user's (which is not there: it may be asked for all the same).
  for (const [name, code] of Object.entries({
    python: { call_source: 'return True', call_signature: '()', original_func_name: 'python' },
    own: { assay_code: { language: 'lambda', function: 'assay-scorer-own' } },
  })) {
    await stack.api('POST', `${scorers}/register`, {
      experiment_id: id,
      name,
      serialized_scorer: JSON.stringify({ name, ...code }),
    });
    await stack.api('PUT', `${scorers}/online-config`, { experiment_id: id, name, sample_rate: 1 });
  }
  // Every scorer is started by now: rules are cached for half a minute by whoever decides about a trace.
  const root: JsonSpan = { traceId: traceIdOf(1), spanId: spanIdOf(0), name: 'root', start: 0, end: 1 };
  const child = { ...root, spanId: spanIdOf(1), parentSpanId: spanIdOf(0) };
  // In two requests; large and hardly compressible; one whose values fit no record of the archive.
  await send([root], String(id));
  await untilThere(1);
  await send([child], String(id));
  await send(
    [
      {
        ...root,
        traceId: traceIdOf(2),
        start: 5,
        end: 6,
        attributes: { 'input.value': randomBytes(700_000).toString('base64'), 'session.id': 'quiet' },
      },
    ],
    String(id),
  );
  await send(
    [{ ...root, traceId: traceIdOf(3), attributes: { 'input.value': 'long '.repeat(1_200_000) } }],
    String(id),
  );
  await loseModel(String(id));
  await untilThere(3);
  const locations = [{ mlflow_experiment: { experiment_id: id } }];
  await stack.api('POST', '/api/3.0/mlflow/traces/search', { locations });
  for (const filter of ["metadata.mlflow.trace.session = 's'", "client_request_id = 'c'"])
    await stack.api('POST', '/api/3.0/mlflow/traces/search', { locations, filter });
  const assessment = { assessment_name: 'good', feedback: { value: true } };
  const created = await stack.api('POST', `/api/3.0/mlflow/traces/tr-${traceIdOf(1)}/assessments`, { assessment });
  const { assessment_id: assessmentId } = created.json().assessment as unknown as { assessment_id: string };
  await stack.api('DELETE', `/api/3.0/mlflow/traces/tr-${traceIdOf(1)}/assessments/${assessmentId}`);
  await editAndDelete(String(id));
  // The model is back and everything judged.
  await stack.stack.drain();
  await holdEvaluations(String(id));
  const onDemand = { experiment_id: id, trace_ids: [`tr-${traceIdOf(3)}`], scorers: [{ name: 'kept' }] };
  expect((await stack.api('POST', '/api/1.0/assay/assess', onDemand)).status).toBe(200);
  // Counted by both functions.
  const key = await stack.makeKey('read', [], 10);
  await stack.send('', { key });
  await fetch(new URL('/api/3.0/mlflow/server-info', stack.stack.url), { headers: { authorization: `Bearer ${key}` } });
  // Unfinished work that is due: a mark that no message clears.
  await forgetSettling(`tr-${traceIdOf(1)}`);
  await stack.stack.runSchedules();
  await stack.stack.drain();
  answer = { verdict: { result: 'none', rationale: 'calm' } };
  await judgeSession(`session#${id}#quiet`);
  // What was found moves to the trace that is now the first one.
  await send([{ ...root, traceId: traceIdOf(6), attributes: { 'session.id': 'quiet' } }], String(id));
  await stack.stack.drain();
  await judgeSession(`session#${id}#quiet`);
  await startUnknown(String(id));
  await backfillTalks(String(id));
}

async function judgeSession(key: string): Promise<void> {
  await makeDue({ pk: key, sk: 'info' });
  await stack.stack.runSchedules();
  await stack.stack.drain();
}

/** An execution that a user starts himself, by a name that no scorer has: it is told which there are. */
async function startUnknown(experimentId: string): Promise<void> {
  const sfn = new SFNClient({ endpoint: stack.stack.endpoint, ...localCredentials });
  const input = JSON.stringify({ experiment_id: experimentId, scorers: [{ name: 'X' }] });
  const stateMachineArn = stack.stack.outputs.get('BackfillStateMachine');
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, input }));
  const told = () => sfn.send(new DescribeExecutionCommand({ executionArn }));
  await vi.waitFor(async () => expect((await told()).status).toBe('FAILED'), { timeout: 20_000 });
  expect((await told()).cause).toMatch(/^Scheduled scorer 'X' not found in experiment '\d+'\. Available scorers: \['/);
  sfn.destroy();
}

/** A backfill that is cancelled while its model thinks, and resumed: its slices are decided, read again and counted. */
async function backfillTalks(experimentId: string): Promise<void> {
  answer = { delayMs: 4_000 };
  const judge = { name: 'later', builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: {} };
  const registered = { experiment_id: experimentId, name: 'later', serialized_scorer: JSON.stringify(judge) };
  expect((await stack.api('POST', `${scorers}/register`, registered)).status).toBe(200);
  const backfills = '/api/1.0/assay/backfills';
  const started = await stack.api('POST', backfills, {
    experiment_id: experimentId,
    scorers: [{ name: 'later', sample_rate: 1 }],
    start_time: Date.UTC(2026, 10, 21),
    filter: "name = 'talk' AND span.name = 'talk' AND feedback.none IS NULL",
  });
  expect(started.status, started.body.toString()).toBe(200);
  const { backfill_id: id } = started.json();
  const told = async () =>
    (await stack.api('GET', `${backfills}/${id}?experiment_id=${experimentId}`)).json() as unknown as {
      backfill: { state: string; slices_enqueued: number };
    };
  const change = (what: string) => stack.api('POST', `${backfills}/${id}/${what}`, { experiment_id: experimentId });
  await vi.waitFor(async () => expect((await told()).backfill.slices_enqueued).toBeGreaterThan(0), { timeout: 20_000 });
  expect((await change('cancel')).status).toBe(200);
  expect((await change('resume')).status).toBe(200);
  await vi.waitFor(async () => expect((await told()).backfill.state).toBe('finished'), { timeout: 60_000 });
}

async function startSessionJudge(experimentId: string): Promise<void> {
  const judge = { builtin_scorer_class: 'UserFrustration', builtin_scorer_pydantic_data: {} };
  const serialized = { name: 'mood', serialization_version: 1, is_session_level_scorer: true, ...judge };
  const of = { experiment_id: experimentId, name: 'mood' };
  await stack.api('POST', `${scorers}/register`, { ...of, serialized_scorer: JSON.stringify(serialized) });
  expect((await stack.api('PUT', `${scorers}/online-config`, { ...of, sample_rate: 1 })).status).toBe(200);
}

/** As if the time had passed that something waits for. */
async function makeDue({ pk, sk }: { pk: string; sk: string }): Promise<void> {
  const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb');
  await stack.stack.clients().dynamodb.send(
    new UpdateItemCommand({
      TableName: stack.stack.outputs.get('TracesTable'),
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: 'SET dueAt = :past',
      ConditionExpression: 'attribute_exists(openWorkPk)',
      ExpressionAttributeValues: { ':past': { N: '1' } },
    }),
  );
}

/** What is said of traces beside their spans; some that are deleted, by who finishes what another began, too; some of them were restored. */
async function editAndDelete(experimentId: string): Promise<void> {
  const traceIds = [4, 5].map((n) => `tr-${traceIdOf(n)}`);
  for (const trace_id of traceIds) {
    const trace_location = { mlflow_experiment: { experiment_id: experimentId } };
    const trace_info = { trace_id, trace_location, request_time: '2026-11-21T12:00:00Z' };
    await stack.api('POST', '/api/3.0/mlflow/traces', { trace: { trace_info } });
    const artifacts = `/api/2.0/mlflow-artifacts/artifacts/${experimentId}/traces/${trace_id}/artifacts`;
    await stack.api('PUT', `${artifacts}/attachments/image`, {});
    const { headers } = await stack.api('GET', `${artifacts}/attachments/image`);
    expect(headers).toBeDefined();
    await stack.api('PATCH', `/api/2.0/mlflow/traces/${trace_id}/tags`, { key: 'a', value: 'b' });
  }
  for (const n of [4, 5, 7, 8])
    await send([{ traceId: traceIdOf(n), spanId: spanIdOf(0), name: 'root', start: 0, end: 1 }], experimentId);
  for (const n of [4, 5, 7, 8]) await untilThere(n);
  const [first = '', second = ''] = traceIds;
  const [third, fourth] = [`tr-${traceIdOf(7)}`, `tr-${traceIdOf(8)}`];
  for (const traceId of [third, fourth]) await asIfRestored(traceId);
  const removal = { experiment_id: experimentId, request_ids: [first, third] };
  expect((await stack.api('POST', '/api/2.0/mlflow/traces/delete-traces', removal)).json()).toEqual({
    traces_deleted: 2,
  });
  const { dynamodb } = stack.stack.clients();
  const remover = dynamoTraceRemover(dynamodb, stack.stack.outputs.get('TracesTable') ?? '', { retentionDays: 30 });
  for (const traceId of [second, fourth]) await remover.bury(traceId, { now: Date.now(), dueAt: 1 });
}

/** Has a trace's spans lie where those of traces lie that came back from the archive. */
async function asIfRestored(traceId: string): Promise<void> {
  const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb');
  const { dynamodb, s3 } = stack.stack.clients();
  const [table, bucket] = ['TracesTable', 'TraceStoreBucket'].map((name) => stack.stack.outputs.get(name) ?? '');
  const info = (await dynamoTraceReader(dynamodb, table ?? '').getInfos([traceId])).get(traceId);
  const blocks = (info?.blocks ?? []).map((block) => ({ ...block, key: block.key.replace('segments/', 'restored/') }));
  for (const { key } of info?.blocks ?? []) {
    const CopySource = `${bucket}/${key}`;
    await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: key.replace('segments/', 'restored/'), CopySource }));
  }
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: table,
      Key: marshall({ pk: traceId, sk: 'info' }),
      UpdateExpression: 'SET blocks = :blocks',
      ExpressionAttributeValues: marshall({ ':blocks': blocks }),
    }),
  );
}

/** A judge with a budget. */
async function startJudge(experimentId: string): Promise<void> {
  const budget = { experiment_id: experimentId, usd_per_day: 5 };
  expect((await stack.api('PUT', '/api/1.0/assay/budgets', budget)).status).toBe(200);
  const judge = { builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: {} };
  await stack.api('POST', `${scorers}/register`, {
    experiment_id: experimentId,
    name: 'judge',
    serialized_scorer: JSON.stringify({ name: 'judge', ...judge }),
  });
  const sampling = { experiment_id: experimentId, name: 'judge', sample_rate: 1, filter_string: "name = 'talk'" };
  expect((await stack.api('PUT', `${scorers}/online-config`, sampling)).status).toBe(200);
}

/** Traces that the judge is selected for. */
function sendTalks(numbers: readonly number[], experimentId: string): Promise<void> {
  const talk = (n: number): JsonSpan => ({
    traceId: traceIdOf(n),
    spanId: spanIdOf(0),
    name: 'talk',
    start: 0,
    end: 1,
    attributes: { 'input.value': 'how?', 'output.value': `so ${n}` },
  });
  return send(numbers.map(talk), experimentId);
}

/** A model that is down until others leave it alone, and back. */
async function loseModel(experimentId: string): Promise<void> {
  answer = { fails: { status: 503 } };
  await sendTalks([10, 11, 12, 13, 14, 15], experimentId);
  await vi.waitFor(() => {
    const left = ({ action, resource }: Access) => action === 'dynamodb:UpdateItem' && resource.includes('JudgeMemory');
    expect(stack.stack.accessesOf('run-scorers').some(left)).toBe(true);
  }, patience);
  answer = {};
}

/** A model that may not be asked; evaluations that are held, and due. */
async function holdEvaluations(experimentId: string): Promise<void> {
  answer = { fails: { status: 403 } };
  await sendTalks([16, 17], experimentId);
  await stack.stack.drain();
  await asIfRestored(`tr-${traceIdOf(16)}`);
  await makeHeldDue(`tr-${traceIdOf(16)}`);
  await makeHeldDue(`tr-${traceIdOf(17)}`, 'a-backfill');
}

/** As if the time had passed after which it is tried again; for a backfill, as if that had asked for it. */
async function makeHeldDue(traceId: string, backfillId?: string): Promise<void> {
  const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb');
  const mark = backfillId && { ':backfill': { M: { id: { S: backfillId }, again: { BOOL: false } } } };
  await stack.stack.clients().dynamodb.send(
    new UpdateItemCommand({
      TableName: stack.stack.outputs.get('TracesTable'),
      Key: { pk: { S: traceId }, sk: { S: 'evaluation#judge#1' } },
      UpdateExpression: `SET dueAt = :past, #until = :past${mark ? ', #request.backfill = :backfill' : ''}`,
      ConditionExpression: 'attribute_exists(heldSince)',
      ExpressionAttributeNames: { '#until': 'until', ...(mark && { '#request': 'request' }) },
      ExpressionAttributeValues: { ':past': { N: '1' }, ...mark },
    }),
  );
}

async function useRuns(experimentId: string): Promise<void> {
  const runs = '/api/2.0/mlflow/runs';
  const { run } = (await stack.api('POST', `${runs}/create`, { experiment_id: experimentId })).json() as unknown as {
    run: { info: { run_id: string } };
  };
  const { run_id: runId } = run.info;
  const metrics = [{ key: 'm', value: 1, timestamp: 1 }];
  const tags = [{ key: 't', value: '1' }];
  await stack.api('POST', `${runs}/log-batch`, { run_id: runId, metrics, params: [{ key: 'p', value: '1' }], tags });
  await stack.api('POST', `${runs}/search`, { experiment_ids: [experimentId] });
}

async function nameTables(experimentId: string): Promise<void> {
  const tag = { experiment_id: experimentId, key: 'assay.otelTable', value: 'a.b.c' };
  expect((await stack.api('POST', '/api/2.0/mlflow/experiments/set-experiment-tag', tag)).status).toBe(200);
  const unknown = { 'x-databricks-uc-table-name': 'x.y.z' };
  const reply = await stack.send(new Uint8Array(), { path: '/api/2.0/otel/v1/traces', headers: unknown });
  expect([reply.status, reply.body.toString()]).toEqual([404, expect.stringContaining('known are a.b.c')]);
}

async function send(spans: readonly JsonSpan[], experimentId: string): Promise<void> {
  const body = gzipSync(otlpJsonToProtobuf(JSON.stringify(exportRequest(spans))).body);
  const reply = await stack.send(body, {
    headers: { 'content-encoding': 'gzip', 'x-mlflow-experiment-id': experimentId },
  });
  expect(reply.status).toBe(200);
}

async function forgetSettling(traceId: string): Promise<void> {
  const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb');
  await stack.stack.clients().dynamodb.send(
    new UpdateItemCommand({
      TableName: stack.stack.outputs.get('TracesTable'),
      Key: { pk: { S: traceId }, sk: { S: 'info' } },
      UpdateExpression: 'SET unsettledUntil = :past, openWorkPk = :work, dueAt = :past',
      ExpressionAttributeValues: { ':past': { N: '1' }, ':work': { S: 'trace#0' } },
    }),
  );
}

it('has nothing granted to run-python at all', () => {
  const [runPython] = stack.stack.functions.filter(({ spec }) => spec.name === 'run-python');
  expect(runPython?.statements).toEqual([]);
});

/** The single rights in a statement: one action on one resource. */
function rightsOf({ Effect, Action = [], Resource = [] }: Statement): readonly Statement[] {
  const listed = (value: string | readonly string[]) => (typeof value === 'string' ? [value] : value);
  return listed(Action).flatMap((action) =>
    listed(Resource).map((resource) => ({ Effect, Action: action, Resource: resource })),
  );
}

it.each([
  'receive-traces',
  'index-traces',
  'run-scorers',
  'serve-api',
  'authorize-request',
  'sweep',
  'plan-backfill',
  'enqueue-backfill-slice',
  'reconcile-backfill-slice',
  'conclude-backfill',
])('has nothing granted to %s that it does not use', (name) => {
  const granted = stack.stack.functions
    .filter(({ spec }) => spec.name === name)
    .flatMap(({ statements }) => statements);
  const used = stack.stack.accessesOf(name);
  // What the emulators do not have: the event source's own calls, and tracing.
  const ofOthers =
    /^(xray:|sqs:(ReceiveMessage|DeleteMessage|ChangeMessageVisibility|GetQueueUrl|GetQueueAttributes)$)/;
  const unused = granted
    .flatMap(rightsOf)
    .filter(({ Action }) => !ofOthers.test(String(Action)))
    .filter((right) => !used.some((access: Access) => isAllowed(access, [right])));
  expect(unused.map(({ Action, Resource }) => `${Action} on ${Resource}`)).toEqual([]);
  expect(used.length).toBeGreaterThan(0);
});
