import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { lambdaDirectJudging } from '../../../shared/adapters/lambda-direct-judging.ts';
import { directCall, toDirectAnswer } from '../../../shared/contracts/direct-call.ts';
import { anAssessment } from '../../support/builders/an-assessment.ts';

type Scripted = { readonly status?: number; readonly fails?: true; readonly body?: string } | 'hangs';

let scripted: Scripted = {};
let asked: { path: string; body: unknown }[] = [];
let server: Server;
const reported: unknown[] = [];
beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked.push({ path: request.url ?? '', body: JSON.parse(body) });
    if (scripted === 'hangs') return;
    response.writeHead(scripted.status ?? 200, scripted.fails && { 'x-amz-function-error': 'Unhandled' });
    response.end(scripted.body ?? '{"v":1,"trials":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  reported.length = 0;
  scripted = {};
});

const direct = lambdaDirectJudging(
  async () =>
    new LambdaClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    }),
  { functionName: 'run-scorers', now: Date.now, report: (error) => reported.push(error) },
);

const requests = [
  {
    ...{ traceId: 'tr-1', experimentId: '3', rulesVersion: 1, revision: 2 },
    ...{ scorers: [{ name: 'tone', version: 1 }], backfill: { id: 'run-1', again: true, since: 5 } },
  },
];
const soon = () => Date.now() + 5_000;

it('hands over the requests as the queue would, and needs no answer', async () => {
  const until = soon();
  await direct.judge(requests, { until });
  const call = { v: 1, kind: 'direct', until, requests: requests.map((one) => ({ v: 1, kind: 'trace', ...one })) };
  expect(asked).toEqual([{ path: '/2015-03-31/functions/run-scorers/invocations', body: call }]);
  expect(directCall.parse(asked[0]?.body)).toEqual(call);
  expect(reported).toEqual([]);
});

it('waits no longer than it is asked to', async () => {
  scripted = 'hangs';
  await direct.judge(requests, { until: Date.now() + 200 });
  expect(reported).toEqual([]);
});

it.each<[string, Scripted]>([
  ['throttled', { status: 429, body: '{}' }],
  ['broken', { fails: true, body: '{"errorMessage":"oh"}' }],
])('leaves to the lane what is %s, and reports it', async (_, said) => {
  scripted = said;
  await direct.judge(requests, { until: soon() });
  expect(reported).toHaveLength(1);
  await expect(direct.tryOut(requests, { until: soon(), inline: [] })).rejects.toThrow();
});

it('brings back what was found without being kept', async () => {
  const trial = {
    ...{ traceId: 'tr-1', scorerName: 'tone', scorerVersion: 1, state: 'judged' as const, usd: 0.1, tokens: 7 },
    assessments: [anAssessment({ value: 'kind' })],
  };
  scripted = { body: JSON.stringify(toDirectAnswer([trial])) };
  const inline = [{ name: 'run-1/mine', shownAs: 'mine', serialized: '{}' }];
  expect(await direct.tryOut(requests, { until: soon(), inline })).toEqual([trial]);
  expect(asked[0]?.body).toMatchObject({ trial: { inline } });
});

it('leaves out of an answer what does not fit into it, and says so', () => {
  const large = (rationale: string) => ({
    ...{ traceId: 'tr-1', scorerName: 'tone', scorerVersion: 1, state: 'judged' as const, usd: 0, tokens: 0 },
    assessments: [anAssessment({ rationale })],
  });
  const trials = [large('a'.repeat(3_000_000)), large('b'.repeat(3_000_000)), large('c')];
  const answer = toDirectAnswer(trials);
  expect(answer.trials.map(({ assessments, reason }) => [assessments.length, reason])).toEqual([
    [1, undefined],
    [0, expect.stringContaining('ask for fewer traces')],
    [1, undefined],
  ]);
  expect(JSON.stringify(answer).length).toBeLessThan(6_000_000);
});
