import { expect, vi } from 'vitest';
import { exportRequest, type JsonSpan } from '../../support/in-memory/bodies.ts';
import { type Reply, startTestStack, type TestStack } from '../../support/local-stack.ts';

type Json = Readonly<Record<string, unknown>>;

/** The routes of MLflow's REST API as its own tests call them: paths below /api/<version>/mlflow, bodies and queries as objects. */
export interface MlflowApi {
  readonly stack: TestStack;
  /** The answer's document; a status other than 200 fails the test. */
  call(method: string, path: string, body?: object): Promise<Json>;
  /** The answer as it is, for what should be refused. */
  reply(method: string, path: string, body?: object): Promise<Reply>;
  createExperiment(name: string): Promise<string>;
  sendSpans(experimentId: string, spans: readonly JsonSpan[]): Promise<void>;
  /** Sends spans and waits until every trace of them is found. */
  arrive(experimentId: string, spans: readonly JsonSpan[]): Promise<void>;
  search(experimentId: string, options?: object): Promise<Found>;
}

interface Found {
  readonly traces: readonly TraceInfo[];
  readonly next_page_token?: string;
}

interface TraceInfo {
  readonly trace_id: string;
  readonly state: string;
  readonly request_preview?: string;
  readonly response_preview?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly trace_metadata: Readonly<Record<string, string>>;
}

export async function startMlflowApi(): Promise<MlflowApi> {
  const stack = await startTestStack();
  const reply = (method: string, path: string, body: object = {}) =>
    method === 'GET' ? stack.api(method, `/api/${path}?${queryOf(body)}`) : stack.api(method, `/api/${path}`, body);
  const call = async (method: string, path: string, body?: object) => {
    const answer = await reply(method, path, body);
    expect(answer.status, `${method} ${path}: ${answer.body.toString('utf8')}`).toBe(200);
    return answer.json() as Json;
  };
  const search = async (experimentId: string, options: object = {}): Promise<Found> => {
    const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }];
    return (await call('POST', '3.0/mlflow/traces/search', { locations, ...options })) as unknown as Found;
  };
  const sendSpans = async (experimentId: string, spans: readonly JsonSpan[]) => {
    const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': experimentId };
    const answer = await stack.send(JSON.stringify(exportRequest(spans)), { headers });
    expect(answer.status, answer.body.toString('utf8')).toBe(200);
  };
  return {
    stack,
    call,
    reply,
    search,
    sendSpans,
    createExperiment: async (name) =>
      String((await call('POST', '2.0/mlflow/experiments/create', { name })).experiment_id),
    async arrive(experimentId, spans) {
      await sendSpans(experimentId, spans);
      const sent = new Set(spans.map(({ traceId }) => `tr-${traceId}`));
      await eventually(async () => {
        const found = new Set((await search(experimentId)).traces.map(({ trace_id: id }) => id));
        expect([...sent].filter((id) => !found.has(id))).toEqual([]);
      });
    },
  };
}

/** Spans go through a queue. */
export function eventually<T>(look: () => Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: 20_000, interval: 100 });
}

/** Lists are repeated, as MLflow's client sends them. */
function queryOf(fields: object): URLSearchParams {
  const pairs = Object.entries(fields).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [key, String(one)]),
  );
  return new URLSearchParams(pairs);
}

let next = Date.now();

/** Hex digits that no other call answers. */
export function newHex(digits: number): string {
  return (next++).toString(16).padStart(digits, 'a');
}
