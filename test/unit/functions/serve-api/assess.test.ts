import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoAssessmentStore } from '../../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoEvaluationStore } from '../../../../shared/adapters/dynamo-evaluation-store.ts';
import { dynamoTraceIndex } from '../../../../shared/adapters/dynamo-trace-index.ts';
import type { DirectJudging } from '../../../../shared/domain/assessing/ports.ts';
import type { EvaluationRequest } from '../../../../shared/domain/evaluation.ts';
import { aTraceId, aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../../support/builders/an-assessment.ts';
import { type Api, aKeyOf, anExperimentWith, callerOf, startApi } from './an-api.ts';

const path = '/api/1.0/assay/assess';
let api: Api;
let experimentId: string;
const traceIds = Array.from({ length: 120 }, () => aTraceId());
let asked: EvaluationRequest[] = [];

/** Judges as the function does that judges, as far as its tables tell. */
const direct: DirectJudging = {
  async judge(requests) {
    asked.push(...requests);
    const { client, traces } = api.tables;
    const outcomes = requests.flatMap(({ traceId, revision, scorers, backfill }) =>
      scorers.map(({ name, version }) => ({
        ...{ traceId, revision, scorerName: name, scorerVersion: version, state: 'done' as const, finishedAt: noon },
        ...{ backfillId: backfill?.id ?? '', unweighted: true as const, spent: { usd: 0.001, tokens: 3 } },
      })),
    );
    await dynamoEvaluationStore(client, traces, { retentionDays: 30 }).put(outcomes);
    const found = requests.flatMap(({ traceId }) =>
      anAssessment({ traceId, experimentId, name: 'tone', value: 'kind', scorer: { name: 'tone', version: 1 } }),
    );
    await dynamoAssessmentStore(client, traces, { retentionDays: 30 }).put(found);
  },
  tryOut: async (requests) =>
    requests.map(({ traceId }) => ({
      ...{ traceId, scorerName: 'tone', scorerVersion: 1, state: 'not-judged', reason: 'late' },
      ...{ assessments: [], usd: 0, tokens: 0 },
    })),
};

beforeAll(async () => {
  api = await startApi();
  experimentId = await anExperimentWith(api, 'assessed', ['tone']);
  const { client, traces } = api.tables;
  const infos = traceIds.map((traceId, n) =>
    aTraceInfo({ traceId, experimentId, facts: { name: n < 3 ? 'few' : 'many', requestTime: noon - 60_000 - n } }),
  );
  await dynamoTraceIndex(client, traces, { retentionDays: 30 }).foundTraces(infos);
}, 60_000);
afterAll(() => api.stop());

const post = (body: object, deps: object = { direct }) =>
  callerOf({ ...api.deps, ...deps })('POST', path, {
    experiment_id: experimentId,
    scorers: [{ name: 'tone' }],
    ...body,
  });
const get = (runId: unknown, query = '') =>
  api.call('GET', `${path}/${String(runId)}?experiment_id=${experimentId}${query}`);

describe('assessing on demand', () => {
  it('answers what was found, as the routes of traces have it', async () => {
    const { status, body } = await post({ trace_ids: traceIds.slice(0, 2) });
    expect(status).toBe(200);
    expect(body.run).toMatchObject({
      ...{ experiment_id: experimentId, state: 'finished', dry_run: false, traces: 2, usd: 0.002, tokens: 6 },
      counts: { found: 2, judged: 2, failed: 0, held: 0, deleted: 0, incomplete: 0, pending: 0 },
      scorers: [{ name: 'tone', version: 1 }],
    });
    expect(body.results).toMatchObject([
      {
        ...{ trace_id: traceIds[0], scorer: 'tone', version: 1, state: 'judged', usd: 0.001, tokens: 3 },
        assessments: [{ assessment_name: 'tone', trace_id: traceIds[0], feedback: { value: 'kind' } }],
      },
      { trace_id: traceIds[1] },
    ]);
    const { run_id: runId } = body.run as { run_id: string };
    expect((await get(runId)).body).toEqual({ run: body.run, results: body.results });
  });

  it('asks for them as for a backfill that judges again, without a rate', async () => {
    asked = [];
    const { body } = await post({ trace_ids: traceIds.slice(0, 1) });
    const { run_id: id } = body.run as { run_id: string };
    expect(asked).toMatchObject([
      { scorers: [{ name: 'tone', version: 1 }], backfill: { id, again: true, since: noon } },
    ]);
    expect(asked[0]?.scorers[0]).not.toHaveProperty('sampleRate');
  });

  it('finds a few by a search, and leaves many to a backfill of their range', async () => {
    const few = await post({ filter: "name = 'few'" });
    expect([few.status, (few.body.results as unknown[]).length]).toEqual([200, 3]);
    api.started.length = 0;
    const many = await post({ filter: "name = 'many'", idempotency_key: 'many' });
    const { run_id: runId, state } = many.body.run as { run_id: string; state: string };
    expect([many.status, state, many.body.results]).toEqual([202, 'running', undefined]);
    const run = await api.deps.backfills.get({ experimentId, backfillId: runId });
    expect(run).toMatchObject({
      ...{ state: 'planning', mode: 'all', onDemand: 'found', to: noon },
      scorers: [{ name: 'tone', version: 1, sampleRate: 1, filter: "name = 'many'" }],
    });
    expect(api.started).toEqual([`${runId}/1`]);
    // The same key gives the same run, which is started by whoever finds it.
    expect((await post({ filter: "name = 'many'", idempotency_key: 'many' })).body).toEqual(many.body);
    const nothing = await post({ filter: "name = 'nothing'" });
    expect([nothing.status, nothing.body.results]).toEqual([200, []]);
    await api.call('POST', `/api/1.0/assay/backfills/${runId}/cancel`, { experiment_id: experimentId });
  });

  it('tells the results of a run page by page', async () => {
    const { body, status } = await post({ trace_ids: traceIds });
    expect(status).toBe(202);
    const { run_id: runId } = body.run as { run_id: string };
    expect((await get(runId)).body).toMatchObject({ run: { state: 'running', traces: 120 }, results: [] });
    const run = await api.deps.backfills.get({ experimentId, backfillId: runId });
    if (!run) return expect.fail('no run');
    // What the state machine's functions do.
    const wanted = traceIds.map((traceId) => ({ traceId, revision: 1, scorers: [0] }));
    const counts = { notSampled: 0, filtered: 0, alreadyDone: 0, incomplete: 0, deleted: 0, enqueued: 120 };
    await api.deps.decisions.put(run, 0, { decided: [counts], wanted });
    const ended = { judged: 0, failed: 0, held: 0, deleted: 0, waiting: 0 };
    const progress = { sliceId: 0, attempt: 1, decided: [counts], ended: [ended], usd: 0, tokens: 0 };
    await api.deps.sliceProgress.put(runId, progress);
    const backfill = { id: runId, again: true };
    await direct.judge(
      wanted.map((one) => ({
        ...one,
        experimentId,
        rulesVersion: 1,
        scorers: [{ name: 'tone', version: 1 }],
        backfill,
      })),
      { until: 0 },
    );
    const first = await get(runId);
    expect(first.body.results).toHaveLength(100);
    const second = await get(runId, `&page_token=${String(first.body.next_page_token)}`);
    expect(second.body.results).toHaveLength(20);
    expect(second.body).not.toHaveProperty('next_page_token');
    const told = [first, second].flatMap(({ body: page }) => page.results as { trace_id: string }[]);
    expect(told.map(({ trace_id: id }) => id)).toEqual(traceIds);
  });

  it('says of a dry run what was not judged', async () => {
    const { status, body } = await post({ trace_ids: traceIds.slice(0, 1), dry_run: true });
    expect([status, body]).toMatchObject([
      200,
      {
        run: { dry_run: true, state: 'finished', counts: { judged: 0, not_judged: 1 } },
        results: [{ state: 'not_judged', reason: 'late' }],
      },
    ]);
    expect((await get((body.run as { run_id: string }).run_id)).status).toBe(404);
  });

  it.each([
    [{ trace_ids: ['tr-1'] }, 400, 'a trace id is "tr-" and 32 hex digits, got "tr-1"'],
    [{}, 400, 'one of the two'],
    [{ filter: 'x' }, 400, 'filter cannot be read'],
    [{ trace_ids: [aTraceId()], scorers: [{ name: 'X' }] }, 404, "Scheduled scorer 'X' not found"],
    [{ trace_ids: [aTraceId()], inline_scorers: [{ name: 'a', serialized_scorer: '{}' }] }, 400, "inline scorer 'a': "],
    [{ trace_ids: [aTraceId()], start_time: 'june' }, 400, "'start_time'"],
    [{ trace_ids: [aTraceId()], dryrun: true }, 400, 'unknown: dryrun; expected some of experiment_id, trace_ids'],
    [
      { trace_ids: [aTraceId()], scorers: [{ name: 'tone', versions: 1 }] },
      400,
      'unknown: versions; expected some of name',
    ],
    [{ experiment_id: '999', trace_ids: [aTraceId()] }, 404, 'No Experiment with id=999'],
  ])('refuses %j and says why', async (body, status, says) => {
    const refused = await post(body);
    expect([refused.status, refused.body.message]).toEqual([status, expect.stringContaining(says)]);
  });

  it('knows no run of another experiment, and no backfill as a run', async () => {
    const { body } = await post({ trace_ids: traceIds.slice(0, 1) });
    const { run_id: runId } = body.run as { run_id: string };
    const call = callerOf(api.deps, aKeyOf(experimentId));
    expect((await call('GET', `${path}/${runId}?experiment_id=0`)).status).toBe(403);
    expect((await api.call('GET', `${path}/${runId}?experiment_id=0`)).status).toBe(404);
    expect((await get('backfill-1')).status).toBe(404);
    expect((await get(runId, '&page_token=x')).status).toBe(400);
  });

  it('lists no run that has finished among the backfills', async () => {
    const { body } = await api.call('GET', `/api/1.0/assay/backfills?experiment_id=${experimentId}`);
    const states = (body.backfills as { state: string; on_demand?: boolean }[]).map((one) => [
      one.state,
      one.on_demand,
    ]);
    expect(states.length).toBeGreaterThan(0);
    expect(states).not.toContainEqual(['finished', true]);
  });
});
