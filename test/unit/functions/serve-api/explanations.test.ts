import { afterAll, beforeAll, expect, it } from 'vitest';
import { dynamoEvaluationStore } from '../../../../shared/adapters/dynamo-evaluation-store.ts';
import { dynamoTraceIndex } from '../../../../shared/adapters/dynamo-trace-index.ts';
import { otlpTraceCodec } from '../../../../shared/adapters/otlp-trace-codec.ts';
import { anOtlpRequest } from '../../../support/an-otlp-request.ts';
import { aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';
import { type Api, callerOf, startApi } from './an-api.ts';

/** Its coordinate is 0.347…. */
const traceId = 'tr-0af7651916cd43dd8448eb211c80319c';
const iso = (ms: number) => new Date(ms).toISOString();

let api: Api;
let experimentId: string;
beforeAll(async () => {
  api = await startApi();
  const { body } = await api.call('POST', '/api/2.0/mlflow/experiments/create', { name: 'explained' });
  experimentId = String(body.experiment_id);
  await register('all');
  await sample('all', { sample_rate: 1 });
  await register('few');
  await sample('few', { sample_rate: 0.1 });
  await register('searching');
  await sample('searching', { sample_rate: 1, filter_string: "span.name = 'search'" });
  await register('idle');
  const { version: rulesVersion } = await api.deps.rules.current(experimentId);
  // The rules go on; the explanation is by the version that decided.
  await sample('few', { sample_rate: 1 });
  await register('late', noon + 5);
  const { client, traces } = api.tables;
  const decision = { rulesVersion, decidedAt: noon, selected: ['all'] };
  await dynamoTraceIndex(client, traces, { retentionDays: 30 }).foundTraces([
    aTraceInfo({ traceId, experimentId, decision }),
  ]);
}, 60_000);
afterAll(() => api.stop());

async function register(name: string, at = noon - 5): Promise<void> {
  const serialized = JSON.stringify({ name, serialization_version: 1, assay_heuristic: { type: 'error_free' } });
  await callerOf({ ...api.deps, now: () => at })('POST', '/api/3.0/mlflow/scorers/register', {
    experiment_id: experimentId,
    name,
    serialized_scorer: serialized,
  });
}

function sample(name: string, rest: object) {
  return api.call('PUT', '/api/3.0/mlflow/scorers/online-config', { experiment_id: experimentId, name, ...rest });
}

/** The trace's block holds one span of this name. */
function ask(query = '', { span = 'answer', id = traceId }: { span?: string; id?: string } = {}) {
  const block = otlpTraceCodec.compress(anOtlpRequest({ spans: [{ name: span, traceId: traceId.slice(3) }] }));
  const call = callerOf({ ...api.deps, segments: { ...api.deps.segments, readBlock: async () => block } });
  return call('GET', `/api/1.0/assay/traces/${id}/explanation${query}`);
}

it('explains a trace for every scorer, by the rules that decided it', async () => {
  const { status, body } = await ask();
  expect(status).toBe(200);
  expect(body).toMatchObject({
    trace_id: traceId,
    experiment_id: experimentId,
    completeness: 'complete',
    sampling_coordinate: 0.3471233801359307,
    decision: { rules_version: 3, decided_at: iso(noon), selected: ['all'] },
  });
  expect(body.scorers).toMatchObject([
    { scorer_name: 'all', scorer_version: 1, sample_rate: 1, state: 'queued' },
    { scorer_name: 'few', sample_rate: 0.1, state: 'not_sampled' },
    { scorer_name: 'idle', state: 'not_started' },
    { scorer_name: 'late', state: 'not_registered', registered_at: iso(noon + 5) },
    {
      scorer_name: 'searching',
      filter_string: "span.name = 'search'",
      state: 'not_matched',
      clause: "span.name = 'search'",
      explanation: "its filter does not match: span.name = 'search'",
    },
  ]);
});

it('explains one scorer, with the spans only where its filter asks about them', async () => {
  const unread = callerOf(api.deps);
  const path = `/api/1.0/assay/traces/${traceId}/explanation`;
  expect((await unread('GET', `${path}?scorer=few`)).body.scorers).toMatchObject([{ state: 'not_sampled' }]);
  expect((await unread('GET', `${path}?scorer=searching`)).status).toBe(500);
  // It was not selected, and its filter matches what is here now.
  expect((await ask('?scorer=searching', { span: 'search' })).body.scorers).toMatchObject([{ state: 'changed' }]);
});

it('tells what became of the evaluation', async () => {
  const { client, traces } = api.tables;
  const outcomes = dynamoEvaluationStore(client, traces, { retentionDays: 30 });
  const outcome = { traceId, scorerName: 'all', scorerVersion: 1, revision: 1, finishedAt: noon + 9 };
  await outcomes.put([{ ...outcome, state: 'held', reason: 'not yet' }]);
  expect((await ask('?scorer=all')).body.scorers).toMatchObject([
    { state: 'held', reason: 'not yet', held_at: iso(noon + 9) },
  ]);
  await outcomes.put([{ ...outcome, state: 'failed', reason: 'SCORER_ERROR: no' }]);
  expect((await ask('?scorer=all')).body.scorers).toMatchObject([
    { state: 'failed', reason: 'SCORER_ERROR: no', finished_at: iso(noon + 9), assessments: [] },
  ]);
});

it.each([
  ['an id that is none', { id: 'tr-12' }, '', 400, 'a trace id is "tr-" and 32 hex digits, got "tr-12"'],
  ['a trace that is not there', { id: `tr-${'0'.repeat(32)}` }, '', 404, /Trace with ID 'tr-0+' not found/],
  ['a scorer that never was', {}, '?scorer=nope', 404, /Scorer with name 'nope' not found for experiment/],
])('refuses %s', async (_what, given, query, expected, message) => {
  const { status, body } = await ask(query, given);
  expect(status).toBe(expected);
  expect(body.message).toMatch(message);
});
