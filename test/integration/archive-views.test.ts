import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Archive, openArchive } from '../../cli/archive.ts';
import { exampleQueries } from '../../infra/constructs/views.ts';
import { credentials } from '../../local/stack.ts';
import { region } from '../../local/template/physical-names.ts';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';

let stack: TestStack;
let archive: Archive;
const traceId = traceIdOf(1);
const root: JsonSpan = {
  traceId,
  spanId: spanIdOf(0),
  name: 'agent',
  start: 1,
  end: 3.5,
  attributes: { 'input.value': 'hello', 'llm.model_name': 'gpt-4o' },
};

function send(spans: readonly JsonSpan[], experimentId = '0') {
  const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': experimentId };
  return stack.send(JSON.stringify(exportRequest(spans)), { headers });
}

beforeAll(async () => {
  stack = await startTestStack();
  const { experiment_id: other } = (
    await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name: 'other' })
  ).json();
  const child = { ...root, spanId: spanIdOf(1), parentSpanId: spanIdOf(0), name: 'step' };
  await send([root, child]);
  await stack.stack.drain();
  // Again, longer, and with the key of another experiment.
  await send([root]);
  await send([{ ...child, end: 4 }]);
  await send([{ ...root, spanId: spanIdOf(2), name: 'intruder' }], other);
  await stack.stack.drain();
  await stack.stack.flushFirehose();
  const client = { endpoint: stack.stack.endpoint, region, credentials: { ...credentials } };
  archive = await openArchive({ client, workgroup: 'assay', database: 'assay' });
  await archive.createViews();
});
afterAll(async () => {
  archive.close();
  await stack.stop();
});

it('show each span once, in the version that ended last, and foreign ones as such', async () => {
  const { rows } = await archive.query(
    'SELECT row_id, name, is_foreign, start_time, end_time, duration_ms, inputs FROM spans_current ORDER BY row_id',
  );
  const id = (n: number) => `tr-${traceId}/${spanIdOf(n)}`;
  expect(rows).toEqual([
    [id(0), 'agent', 'false', '2026-11-21 12:00:01', '2026-11-21 12:00:03.5', '2500', 'hello'],
    [id(1), 'step', 'false', '2026-11-21 12:00:01', '2026-11-21 12:00:04', '3000', 'hello'],
    [`${id(2)}@1`, 'intruder', 'true', '2026-11-21 12:00:01', '2026-11-21 12:00:03.5', '2500', 'hello'],
  ]);
  const [raw] = (await archive.query('SELECT count(*) FROM spans')).rows;
  expect(Number(raw?.[0])).toBeGreaterThan(3);
});

it('show each trace in its last revision', async () => {
  const { rows } = await archive.query('SELECT row_id, span_count, duration_ms, models FROM traces_current');
  expect(rows).toEqual([[`tr-${traceId}`, '2', '3000', '["gpt-4o"]']]);
});

it.each(Object.entries(exampleQueries))('answer the stored query %s', async (_, sql) => {
  await expect(archive.query(sql)).resolves.toMatchObject({ columns: expect.any(Array) });
});
