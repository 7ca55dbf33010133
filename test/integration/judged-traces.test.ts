import { setTimeout as sleep } from 'node:timers/promises';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { ModelServer } from '../support/model-server/model-server.ts';
import type { Scripted } from '../support/model-server/script.ts';

let answer: Scripted = {};
const server = new ModelServer(() => answer);
let stack: TestStack;
beforeAll(async () => {
  await server.listen();
  stack = await startTestStack({ bedrockUrl: server.url });
});
afterAll(async () => {
  await stack?.stop();
  await server.close();
});

const scorers = '/api/3.0/mlflow/scorers';

/** An experiment that judges every trace by these built-in judges. */
async function startJudges(
  experiment: string,
  { judges = { safety: 'Safety' }, tags = {} }: { judges?: Record<string, string>; tags?: Record<string, string> } = {},
): Promise<string> {
  const { experiment_id: id } = (
    await stack.api('POST', '/api/2.0/mlflow/experiments/create', {
      name: experiment,
      // No longer than it must: a trace of one request is whole.
      tags: Object.entries({ 'assay.settleDelaySeconds': '0', ...tags }).map(([key, value]) => ({ key, value })),
    })
  ).json();
  for (const [name, builtin_scorer_class] of Object.entries(judges)) {
    const serialized = JSON.stringify({
      name,
      serialization_version: 1,
      builtin_scorer_class,
      builtin_scorer_pydantic_data: { name, model: null },
    });
    const registered = { experiment_id: id, name, serialized_scorer: serialized };
    expect((await stack.api('POST', `${scorers}/register`, registered)).status).toBe(200);
    const started = await stack.api('PUT', `${scorers}/online-config`, { experiment_id: id, name, sample_rate: 1 });
    expect(started.status, started.body.toString()).toBe(200);
  }
  return String(id);
}

async function send(
  n: number,
  experimentId: string,
  { output = `it is, for ${n}`, session }: { output?: string; session?: string } = {},
): Promise<string> {
  const span: JsonSpan = {
    traceId: traceIdOf(n),
    spanId: spanIdOf(0),
    name: 'agent',
    start: n,
    end: n + 1,
    attributes: { 'input.value': 'is it safe?', 'output.value': output, ...(session && { 'session.id': session }) },
  };
  const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': experimentId };
  expect((await stack.send(JSON.stringify(exportRequest([span])), { headers })).status).toBe(200);
  return `tr-${traceIdOf(n)}`;
}

async function assessmentsOf(traceId: string): Promise<readonly Record<string, unknown>[]> {
  const { trace } = (await stack.api('GET', `/api/3.0/mlflow/traces/${traceId}`)).json() as unknown as {
    trace?: { trace_info: { assessments: readonly Record<string, unknown>[] } };
  };
  return trace?.trace_info.assessments ?? [];
}

/** As if the time had passed that something waits for. */
async function makeDue(pk: string, sk: string): Promise<void> {
  await stack.stack.clients().dynamodb.send(
    new UpdateItemCommand({
      TableName: stack.stack.outputs.get('TracesTable'),
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: 'SET dueAt = :past, #until = :past',
      ConditionExpression: 'attribute_exists(openWorkPk)',
      ExpressionAttributeNames: { '#until': 'until' },
      ExpressionAttributeValues: { ':past': { N: '1' } },
    }),
  );
  await stack.stack.runSchedules();
}

async function explained(traceId: string): Promise<Record<string, unknown>> {
  const { scorers: found } = (
    await stack.api('GET', `/api/1.0/assay/traces/${traceId}/explanation?scorer=safety`)
  ).json() as unknown as { scorers: readonly Record<string, unknown>[] };
  return found[0] ?? {};
}

it('a sampled trace is judged by the model of the stage within seconds, and says by whom and at what cost', async () => {
  answer = { verdict: { result: 'yes', rationale: 'nothing harmful' } };
  const traceId = await send(1, await startJudges('judged'));
  await vi.waitFor(async () => expect(await assessmentsOf(traceId)).toHaveLength(1), {
    timeout: 30_000,
    interval: 300,
  });
  expect(await assessmentsOf(traceId)).toMatchObject([
    {
      assessment_name: 'safety',
      feedback: { value: 'yes' },
      rationale: 'nothing harmful',
      source: { source_type: 'LLM_JUDGE', source_id: expect.stringMatching(/^bedrock:\//) },
      metadata: {
        'mlflow.assessment.scorerVersion': '1',
        'mlflow.assessment.judgeCost': expect.stringMatching(/^0\.\d+/),
        'assay.promptHash': expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    },
  ]);
  expect(server.refused).toEqual([]);
});

it('a model that is down for a moment costs no trace its judgement, and no failure becomes a score', async () => {
  answer = { fails: { status: 503 } };
  const id = await startJudges('down');
  const traceIds = await Promise.all([2, 3, 4].map((n) => send(n, id)));
  const first = traceIds[0] ?? '';
  await vi.waitFor(async () => expect((await explained(first)).state).toBe('held'), { timeout: 30_000, interval: 300 });
  expect(await assessmentsOf(first)).toEqual([]);
  answer = { verdict: { result: 'no', rationale: 'harm' } };
  for (const traceId of traceIds)
    await vi.waitFor(async () => expect(await assessmentsOf(traceId)).toMatchObject([{ feedback: { value: 'no' } }]), {
      timeout: 90_000,
      interval: 500,
    });
}, 120_000);

it('a model that may not be asked pauses its scorer, which says why', async () => {
  answer = { fails: { status: 403, message: 'not for you' } };
  const id = await startJudges('forbidden');
  const traceId = await send(8, id);
  await vi.waitFor(async () => expect((await explained(traceId)).state).toBe('held'), {
    timeout: 30_000,
    interval: 300,
  });
  const { configs } = (await stack.api('GET', `${scorers}/online-configs?experiment_id=${id}`)).json() as unknown as {
    configs: readonly { paused?: string }[];
  };
  expect(configs[0]?.paused).toMatch(/\S/);
});

const patience = { timeout: 30_000, interval: 300 };

it('judges of a trace are asked in one call where the experiment combines them, and each has its own verdict', async () => {
  const asked = server.asked.length;
  answer = {};
  const judges = { safety: 'Safety', fluency: 'Fluency', whole: 'Completeness' };
  const id = await startJudges('combined', { judges, tags: { 'assay.combineJudges': 'true' } });
  const traceId = await send(20, id);
  await vi.waitFor(async () => expect(await assessmentsOf(traceId)).toHaveLength(3), patience);
  expect(server.asked.length - asked).toBe(1);
  for (const { feedback, metadata } of await assessmentsOf(traceId)) {
    expect(feedback).toEqual({ value: 'yes' });
    expect(metadata).toMatchObject({ 'assay.combinedWith': '3' });
  }
});

it('what has been judged today in the same words is not paid again', async () => {
  answer = { verdict: { result: 'yes', rationale: 'fine' } };
  const id = await startJudges('the same');
  const asked = server.asked.length;
  const first = await send(30, id, { output: 'yes' });
  await vi.waitFor(async () => expect(await assessmentsOf(first)).toHaveLength(1), patience);
  const again = await send(31, id, { output: 'yes' });
  await vi.waitFor(async () => expect(await assessmentsOf(again)).toHaveLength(1), patience);
  expect(server.asked.length - asked).toBe(1);
  expect(await assessmentsOf(again)).toMatchObject([
    { feedback: { value: 'yes' }, metadata: { 'assay.cachedCalls': '1', 'mlflow.assessment.judgeInputTokens': '0' } },
  ]);
});

it('a budget holds back what it cannot pay, without a call, and it is caught up when the budget returns', async () => {
  answer = { verdict: { result: 'yes', rationale: 'fine' } };
  const id = await startJudges('poor', { tags: { 'assay.catchUpBudgets': 'true' } });
  const budget = { experiment_id: id, tokens_per_day: 10 };
  expect((await stack.api('PUT', '/api/1.0/assay/budgets', budget)).status).toBe(200);
  const asked = server.asked.length;
  const traceId = await send(40, id);
  await vi.waitFor(async () => expect((await explained(traceId)).state).toBe('held'), patience);
  expect((await explained(traceId)).reason).toMatch(/tokens of experiment \d+ per day are spent/);
  expect(await assessmentsOf(traceId)).toEqual([]);
  expect(server.asked.length).toBe(asked);
  const more = { experiment_id: id, tokens_per_day: 1_000_000 };
  expect((await stack.api('PUT', '/api/1.0/assay/budgets', more)).status).toBe(200);
  // So long an instance goes by what it has just read.
  await sleep(2_100);
  await makeDue(traceId, 'evaluation#safety#1');
  await vi.waitFor(async () => expect(await assessmentsOf(traceId)).toHaveLength(1), patience);
  const [assessment] = (await assessmentsOf(traceId)) as unknown as [{ metadata: Record<string, string> }];
  const { 'mlflow.assessment.judgeInputTokens': input, 'mlflow.assessment.judgeOutputTokens': output } =
    assessment.metadata;
  await vi.waitFor(async () => {
    const { budgets } = (await stack.api('GET', `/api/1.0/assay/budgets?experiment_id=${id}`)).json();
    expect(budgets).toMatchObject([
      { spent: { tokens_today: Number(input) + Number(output) }, reserved: { tokens: 0 } },
    ]);
  }, patience);
});

it('a session is judged once it has been quiet, as a whole, on its first trace', async () => {
  answer = { verdict: { result: 'resolved', rationale: 'it was put right' } };
  const id = await startJudges('talks', { judges: { mood: 'UserFrustration' } });
  const [first, second] = [await send(50, id, { session: 's' }), await send(51, id, { session: 's' })];
  await stack.stack.drain();
  expect(await assessmentsOf(first)).toEqual([]);
  const asked = server.asked.length;
  await makeDue(`session#${id}#s`, 'info');
  await vi.waitFor(async () => expect(await assessmentsOf(first)).toHaveLength(1), patience);
  expect(await assessmentsOf(first)).toMatchObject([
    {
      assessment_name: 'mood',
      feedback: { value: 'resolved' },
      metadata: { 'mlflow.trace.session': 's', 'mlflow.assessment.onlineScoringSessionId': 's' },
    },
  ]);
  expect(await assessmentsOf(second)).toEqual([]);
  const conversations = server.asked.slice(asked).filter(({ text }) => text.includes('section="conversation"'));
  expect(conversations.map(({ text }) => text)).toEqual([expect.stringMatching(/for 50[\s\S]*for 51/)]);
  expect(server.refused).toEqual([]);
});
