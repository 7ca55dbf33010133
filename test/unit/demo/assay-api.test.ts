import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { assayApi } from '../../../demo/assay-api.ts';
import { demoScorers } from '../../../demo/scorers.ts';
import { parseSerializedScorer } from '../../../shared/contracts/parse-serialized-scorer.ts';
import { createScorer } from '../../../shared/contracts/serialized-scorer.ts';
import { parseFilter } from '../../../shared/domain/filter/parse-filter.ts';

interface Seen {
  readonly route: string;
  readonly key: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a body as it came, to be looked into
  readonly body: any;
}

/** A server that answers from a list, and what it was asked. */
async function aServer(answers: readonly { status?: number; body: unknown }[]) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    seen.push(await read(request));
    const { status = 200, body } = answers[seen.length - 1] ?? { status: 500, body: 'not expected' };
    response.writeHead(status).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    seen,
    api: assayApi({ url, key: 'assay_k', experimentId: '0' }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function read(request: IncomingMessage): Promise<Seen> {
  const text = Buffer.concat(await request.toArray()).toString();
  const route = `${request.method} ${request.url}`;
  return { route, key: request.headers.authorization, body: text && JSON.parse(text) };
}

test('search goes on to the last page', async () => {
  await using server = await aServer([
    { body: { traces: [{ trace_id: 'tr-1' }], next_page_token: 'more' } },
    { body: { traces: [{ trace_id: 'tr-2' }] } },
  ]);
  expect((await server.api.searchAll()).map(({ trace_id }) => trace_id)).toEqual(['tr-1', 'tr-2']);
  expect(server.seen.map(({ body }) => body.page_token)).toEqual([undefined, 'more']);
  expect(server.seen[0]).toMatchObject({ route: 'POST /api/3.0/mlflow/traces/search', key: 'Bearer assay_k' });
});

test('a scorer is registered, then started at its rate with its filter', async () => {
  await using server = await aServer([{ body: {} }, { body: {} }]);
  const [scorer] = demoScorers.filter(({ name }) => name === 'answer_words');
  if (scorer) await server.api.startScorer(scorer);
  const [registered, started] = server.seen;
  expect(registered?.route).toBe('POST /api/3.0/mlflow/scorers/register');
  expect(parseSerializedScorer(registered?.body.serialized_scorer)).toMatchObject({
    name: 'answer_words',
    kind: 'heuristic',
  });
  expect(started?.route).toBe('PUT /api/3.0/mlflow/scorers/online-config');
  expect(started?.body).toMatchObject({
    name: 'answer_words',
    sample_rate: 0.25,
    filter_string: "trace.status = 'OK'",
  });
});

test('a refusal names route, status and reason', async () => {
  await using server = await aServer([
    { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no such trace' } },
  ]);
  await expect(server.api.getTrace('tr-1')).rejects.toMatchObject({
    ...{ request: 'GET /api/3.0/mlflow/traces/get', status: 404 },
    ...{ code: 'RESOURCE_DOES_NOT_EXIST', message: 'no such trace' },
  });
});

test('a budget is set, and what is booked on it read', async () => {
  const spent = { usd_this_month: 0.25, tokens_this_month: 1000 };
  await using server = await aServer([{ body: {} }, { body: { budgets: [{ spent }] } }]);
  await server.api.setBudget(5);
  expect(await server.api.readBudget()).toEqual(spent);
  expect(server.seen).toMatchObject([
    { route: 'PUT /api/1.0/assay/budgets', body: { experiment_id: '0', usd_per_day: 5 } },
    { route: 'GET /api/1.0/assay/budgets?experiment_id=0' },
  ]);
});

test.each(demoScorers)('$name has a definition and a filter that Assay can run', ({ name, definition, filter }) => {
  expect(createScorer({ serialized: JSON.stringify({ name, ...definition }) })).not.toHaveProperty('unsupported');
  if (filter !== undefined) expect(() => parseFilter(filter)).not.toThrow();
});
