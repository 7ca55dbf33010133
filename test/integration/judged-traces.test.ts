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

async function startSafety(experiment: string): Promise<string> {
  const { experiment_id: id } = (
    await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name: experiment })
  ).json();
  const serialized = JSON.stringify({
    name: 'safety',
    serialization_version: 1,
    builtin_scorer_class: 'Safety',
    builtin_scorer_pydantic_data: { name: 'safety', model: null },
  });
  const registered = { experiment_id: id, name: 'safety', serialized_scorer: serialized };
  expect((await stack.api('POST', `${scorers}/register`, registered)).status).toBe(200);
  const started = await stack.api('PUT', `${scorers}/online-config`, {
    experiment_id: id,
    name: 'safety',
    sample_rate: 1,
  });
  expect(started.status, started.body.toString()).toBe(200);
  return String(id);
}

async function send(n: number, experimentId: string): Promise<string> {
  const span: JsonSpan = {
    traceId: traceIdOf(n),
    spanId: spanIdOf(0),
    name: 'agent',
    start: 0,
    end: 1,
    attributes: { 'input.value': 'is it safe?', 'output.value': `it is, for ${n}` },
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

async function explained(traceId: string): Promise<Record<string, unknown>> {
  const { scorers: found } = (
    await stack.api('GET', `/api/1.0/assay/traces/${traceId}/explanation?scorer=safety`)
  ).json() as unknown as { scorers: readonly Record<string, unknown>[] };
  return found[0] ?? {};
}

it('a sampled trace is judged by the model of the stage within seconds, and says by whom and at what cost', async () => {
  answer = { verdict: { result: 'yes', rationale: 'nothing harmful' } };
  const traceId = await send(1, await startSafety('judged'));
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
  const id = await startSafety('down');
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
  const id = await startSafety('forbidden');
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
