// The cases of MLflow's tests/tracking/test_rest_tracking.py for assessments and scorers, each named as there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MlflowApi, newHex, startMlflowApi } from './mlflow-api.ts';

let api: MlflowApi;
beforeAll(async () => {
  api = await startMlflowApi();
});
afterAll(() => api?.stack.stop());

const scorers = '3.0/mlflow/scorers';

interface Assessment {
  readonly assessment_id: string;
  readonly expectation?: { readonly serialized_value?: { readonly value: string } };
}

describe('assessments', () => {
  it('test_assessments_end_to_end', async () => {
    const id = await api.createExperiment('assessment_crud_test');
    const traceId = newHex(32);
    await api.arrive(id, [{ traceId, spanId: newHex(16), name: 'test_trace', start: 0, end: 1 }]);
    const base = `3.0/mlflow/traces/tr-${traceId}/assessments`;
    const create = async (assessment: object) =>
      (await api.call('POST', base, { assessment })).assessment as unknown as Assessment;
    const get = async (assessmentId: string) => (await api.call('GET', `${base}/${assessmentId}`)).assessment;

    const made = await create({
      assessment_name: 'quality_score',
      feedback: { value: { rating: 4, comments: 'Good response' } },
      source: { source_type: 'HUMAN', source_id: 'evaluator@company.com' },
      rationale: 'Response was accurate and helpful',
      metadata: { model: 'gpt-4', version: '1.0' },
    });
    const first = { assessment_name: 'quality_score', feedback: { value: { rating: 4 } }, valid: true };
    expect(made).toMatchObject({ ...first, source: { source_type: 'HUMAN' } });
    expect(await get(made.assessment_id)).toMatchObject(first);

    const updated = await api.call('PATCH', `${base}/${made.assessment_id}`, {
      assessment: {
        assessment_id: made.assessment_id,
        trace_id: `tr-${traceId}`,
        assessment_name: 'updated_quality_score',
        feedback: { value: { rating: 5, comments: 'Excellent response' } },
        rationale: 'Actually, the response was excellent',
        metadata: { model: 'gpt-4', version: '2.0' },
      },
      update_mask: 'assessmentName,feedback,rationale,metadata',
    });
    expect(updated.assessment).toMatchObject({
      assessment_name: 'updated_quality_score',
      feedback: { value: { rating: 5 } },
      rationale: 'Actually, the response was excellent',
      metadata: { version: '2.0' },
    });

    const override = await create({
      assessment_name: 'corrected_quality_score',
      feedback: { value: { rating: 3, comments: 'Actually needs improvement' } },
      source: { source_type: 'HUMAN', source_id: 'senior_evaluator@company.com' },
      overrides: made.assessment_id,
    });
    expect(await get(made.assessment_id)).toMatchObject({ valid: false });
    expect(await get(override.assessment_id)).toMatchObject({ valid: true, overrides: made.assessment_id });
    await api.call('DELETE', `${base}/${override.assessment_id}`);
    expect((await api.reply('GET', `${base}/${override.assessment_id}`)).status).toBe(404);
    expect(await get(made.assessment_id)).toMatchObject({ valid: true });

    const expectation = await create({
      assessment_name: 'response_time_check',
      expectation: { value: { threshold_ms: 1000, actual_ms: 750, passed: true } },
      source: { source_type: 'CODE', source_id: 'automated_test' },
    });
    expect(JSON.parse(expectation.expectation?.serialized_value?.value ?? 'null')).toEqual({
      threshold_ms: 1000,
      actual_ms: 750,
      passed: true,
    });
    for (const { assessment_id: one } of [made, expectation]) await api.call('DELETE', `${base}/${one}`);
  });

  it('of a trace that is not there are refused', async () => {
    const reply = await api.reply('POST', `3.0/mlflow/traces/tr-${newHex(32)}/assessments`, {
      assessment: { assessment_name: 'x', feedback: { value: 1 }, source: { source_type: 'CODE', source_id: 'x' } },
    });
    expect([reply.status, reply.json()]).toMatchObject([404, { error_code: 'RESOURCE_DOES_NOT_EXIST' }]);
  });
});

describe('scorers', () => {
  const register = (id: string, scorer: object, name = 'test_scorer') =>
    api.call('POST', `${scorers}/register`, { experiment_id: id, name, serialized_scorer: JSON.stringify(scorer) });
  const versions = async (path: string, query: object) =>
    ((await api.call('GET', `${scorers}/${path}`, query)).scorers as { scorer_version: number }[]).map(
      ({ scorer_version: version }) => version,
    );

  it('test_scorer_CRUD', async () => {
    const id = await api.createExperiment('test_scorer_api_experiment');
    const of = { experiment_id: id, name: 'test_scorer' };
    const first = { name: 'test_scorer', call_source: 'test', original_func_name: 'test_func' };
    expect(await register(id, first)).toMatchObject({ version: 1, name: 'test_scorer', experiment_id: id });
    expect(await versions('list', { experiment_id: id })).toEqual([1]);
    expect(await versions('versions', of)).toEqual([1]);
    const latest = { scorer: { scorer_name: 'test_scorer', scorer_version: 1, experiment_id: Number(id) } };
    expect(await api.call('GET', `${scorers}/get`, of)).toMatchObject(latest);
    expect(await api.call('GET', `${scorers}/get`, { ...of, version: 1 })).toMatchObject(latest);
    await register(id, { name: 'test_scorer_v2', call_source: 'test', original_func_name: 'test_func_v2' });
    expect(await versions('list', { experiment_id: id })).toEqual([2]);
    expect((await versions('versions', of)).toSorted()).toEqual([1, 2]);
    await api.call('DELETE', `${scorers}/delete`, { ...of, version: 1 });
    expect(await versions('versions', of)).toEqual([2]);
    await api.call('DELETE', `${scorers}/delete`, of);
    expect(await versions('list', { experiment_id: id })).toEqual([]);
    await api.call('POST', '2.0/mlflow/experiments/delete', { experiment_id: id });
  });

  it('test_online_scoring_config, with a heuristic in the place of the gateway', async () => {
    const id = await api.createExperiment('online scoring');
    await register(id, { name: 'errors', serialization_version: 1, assay_heuristic: { type: 'error_free' } }, 'errors');
    const { scorer } = (await api.call('GET', `${scorers}/get`, { experiment_id: id, name: 'errors' })) as never;
    const { scorer_id: scorerId } = scorer as { scorer_id: string };
    const put = (rest: object) =>
      api.call('PUT', `${scorers}/online-config`, { experiment_id: id, name: 'errors', ...rest });
    const config = { scorer_id: scorerId, sample_rate: 0.8, experiment_id: id, filter_string: "status = 'OK'" };
    expect(await put({ sample_rate: 0.8, filter_string: "status = 'OK'" })).toMatchObject({ config });
    expect(await api.call('GET', `${scorers}/online-configs`, { scorer_ids: [scorerId] })).toMatchObject({
      configs: [{ ...config, online_scoring_config_id: expect.any(String) }],
    });
    expect(await put({ sample_rate: 0 })).toMatchObject({ config: { sample_rate: 0 } });
    const wrong = await api.reply('PUT', `${scorers}/online-config`, {
      experiment_id: id,
      name: 'errors',
      sample_rate: 1.5,
    });
    expect(wrong.status).toBe(400);
  });
});
