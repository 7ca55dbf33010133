import { describe, expect, test } from 'vitest';
import type { ServeApiDeps } from '../../../../functions/serve-api/create-handler.ts';
import { recorded, recordedDeps } from '../../../support/recorded-traces.ts';
import { callerOf } from './an-api.ts';

/**
 * What MLflow 3.18's server (SQLite) answered about these traces. They were sent to it by REST and OTLP, their assessments read back
 * from it; values it cannot give twice (ids of experiments, sets that Python prints in no order) are spelt alike on both sides.
 */
const call = callerOf(recordedDeps() as ServeApiDeps);

interface Answer {
  readonly request: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly response: Readonly<Record<string, unknown>>;
}

/** Numbers to twelve digits, and what is nothing but rounding as 0; sets in messages cut off; JSON of assessments read. */
function comparable(value: unknown, key = ''): unknown {
  if (typeof value === 'number') return Math.abs(value) < 1e-12 ? 0 : Number(value.toPrecision(12));
  if (typeof value === 'string') {
    if (key === 'message') return value.replace(/\{.*\}/s, '{…}');
    return key === 'assessment_value' ? JSON.parse(value) : value;
  }
  if (Array.isArray(value)) return value.map((each) => comparable(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, comparable(each, name)]));
}

/** In protobuf's JSON what is empty is left out. */
function metricsOf({ data_points = [] }: Record<string, unknown>): unknown {
  return (data_points as { dimensions?: object }[]).map((point) => comparable({ dimensions: {}, ...point }));
}

describe('trace metrics', () => {
  test.each(recorded<Answer>('metrics').map((answer) => [JSON.stringify(answer.request), answer] as const))(
    'are what MLflow answers to %s',
    async (_request, { request, status, response }) => {
      const answer = await call('POST', '/api/3.0/mlflow/traces/metrics', request);
      expect(answer.status, JSON.stringify(answer.body)).toBe(status);
      if (status === 200) expect(metricsOf(answer.body)).toEqual(metricsOf(response));
      else expect(comparable(answer.body)).toEqual(comparable(response));
    },
  );
});

describe('the correlation of two filters', () => {
  test.each(recorded<Answer>('correlations').map((answer) => [JSON.stringify(answer.request), answer] as const))(
    'is what MLflow answers to %s',
    async (_request, { request, status, response }) => {
      const answer = await call('POST', '/api/3.0/mlflow/traces/calculate-filter-correlation', request);
      expect(answer.status, JSON.stringify(answer.body)).toBe(status);
      expect(comparable(answer.body)).toEqual(comparable(response));
    },
  );
});
