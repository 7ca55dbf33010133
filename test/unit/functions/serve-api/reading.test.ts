import { afterAll, beforeAll, expect, it } from 'vitest';
import { dynamoTraceIndex } from '../../../../shared/adapters/dynamo-trace-index.ts';
import { aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../../support/builders/an-assessment.ts';
import { type Api, startApi } from './an-api.ts';

let api: Api;
const info = aTraceInfo();
beforeAll(async () => {
  api = await startApi();
  const { client, traces } = api.tables;
  await dynamoTraceIndex(client, traces, { retentionDays: 30 }).foundTraces([info]);
}, 60_000);
afterAll(() => api.stop());

const base = '/api/3.0/mlflow/traces';

async function search(rest: object) {
  return api.call('POST', `${base}/search`, { locations: [{ mlflow_experiment: { experiment_id: '7' } }], ...rest });
}

function pageToken(before: string): string {
  return Buffer.from(JSON.stringify({ before })).toString('base64url');
}

it('finds nothing in a range of time that ends before it starts', async () => {
  expect((await search({})).body.traces).toHaveLength(1);
  const { status, body } = await search({ filter: `timestamp_ms > ${noon + 5_000} AND timestamp_ms < ${noon}` });
  expect([status, body]).toEqual([200, { traces: [] }]);
});

it('finds nothing more after a page that ended before the range begins', async () => {
  const token = pageToken(`${noon}#${info.traceId}`);
  const { status, body } = await search({ filter: `timestamp_ms > ${noon + 5_000}`, page_token: token });
  expect([status, body]).toEqual([200, { traces: [] }]);
});

it('refuses a page token that names no position', async () => {
  const { status, body } = await search({ page_token: pageToken('x') });
  expect([status, body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
});

it('refuses a path that is not percent-encoded text', async () => {
  const { status, body } = await api.call('GET', `${base}/%zz`);
  expect([status, body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
});

it('sends who reads more than Lambda answers to where it lies, by GET whatever was asked by', async () => {
  const rationale = 'x'.repeat(300_000);
  for (let n = 0; n < 20; n++) await api.deps.assessments.put([anAssessment({ traceId: info.traceId, rationale })]);
  const location = 'https://storage.example/signed';
  // 307 would have the search posted to a URL that is signed for GET (RFC 9110, 15.4.4 and 15.4.8).
  expect(await search({})).toMatchObject({ status: 303, headers: { location } });
  expect(await api.call('GET', `${base}/${info.traceId}`)).toMatchObject({ status: 307, headers: { location } });
});

it('refuses an assessment that no item holds', async () => {
  const assessment = { assessment_name: 'a', feedback: { value: true }, rationale: 'x'.repeat(420_000) };
  const { status, body } = await api.call('POST', `${base}/${info.traceId}/assessments`, { assessment });
  expect([status, body.message]).toEqual([400, expect.stringMatching(/350,000 bytes/)]);
});
