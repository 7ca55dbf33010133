import { ProvisionedThroughputExceededException, ThrottlingException } from '@aws-sdk/client-dynamodb';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UnprocessedError } from '../../../../shared/adapters/is-transient.ts';
import { type Api, callerOf, startApi } from './an-api.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
}, 60_000);
afterAll(() => api.stop());

async function searchThatFailsWith(error: Error) {
  const search = { find: () => Promise.reject(error) };
  return callerOf({ ...api.deps, search })('POST', '/api/3.0/mlflow/traces/search', {
    locations: [{ mlflow_experiment: { experiment_id: '0' } }],
  });
}

const metadata = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } });

it.each([
  ['a throttled table', new ProvisionedThroughputExceededException({ message: 'slow', ...metadata(400) })],
  ['a throttled account', new ThrottlingException({ message: 'slow', ...metadata(400) })],
  [
    'a store that is to be asked less',
    new S3ServiceException({ name: 'SlowDown', $fault: 'server', ...metadata(503) }),
  ],
  ['a batch that is left undone', new UnprocessedError('table left 3 items unwritten')],
  ['a connection that broke', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'TimeoutError' })],
])('%s is told as 429 with Retry-After, on which every client tries again', async (_, error) => {
  const { status, body, headers } = await searchThatFailsWith(error);
  expect([status, body.error_code, headers['retry-after']]).toEqual([429, 'REQUEST_LIMIT_EXCEEDED', '1']);
});

it.each([
  ['a right that is missing', new S3ServiceException({ name: 'AccessDenied', $fault: 'client', ...metadata(403) })],
  ['a mistake of ours', new TypeError('undefined is not a function')],
])('%s is told as 500: trying again would not help', async (_, error) => {
  const { status, body } = await searchThatFailsWith(error);
  expect([status, body.error_code]).toEqual([500, 'INTERNAL_ERROR']);
});
