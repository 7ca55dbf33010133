import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createHandler } from '../../../../functions/authorize-request/create-handler.ts';
import type { ApiKey } from '../../../../shared/domain/api-key.ts';

const secret = 'assay_s3cret:with-colon';
const key: ApiKey = { role: 'ingest', experimentIds: ['7', '12'], name: 'ci', createdAt: 0 };

async function authorize(authorization: string | undefined, stored: ApiKey = key) {
  const hash = createHash('sha256').update(secret).digest('hex');
  const handler = createHandler({ get: async (keyHash) => (keyHash === hash ? stored : undefined) });
  return handler({ headers: authorization === undefined ? {} : { authorization } });
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('authorize-request', () => {
  test.each([
    ['as bearer token', `Bearer ${secret}`],
    ['with the scheme in lower case', `bearer ${secret}`],
    ['as password of any user', basic(`mlflow:${secret}`)],
    ['as password without a user', basic(`:${secret}`)],
  ])('allows a known key %s and tells what it is for', async (_, authorization) => {
    expect(await authorize(authorization)).toEqual({
      isAuthorized: true,
      context: { decision: 'allowed', role: 'ingest', experimentIds: '7,12', keyName: 'ci' },
    });
  });

  test('says of a key of all experiments that its list is empty', async () => {
    const { context } = await authorize(`Bearer ${secret}`, { ...key, experimentIds: [] });
    expect(context).toMatchObject({ decision: 'allowed', experimentIds: '' });
  });

  test('tells the limit of a key that has one, and by what to count its requests', async () => {
    const { context } = await authorize(`Bearer ${secret}`, { ...key, rateLimit: 100 });
    const keyHash = createHash('sha256').update(secret).digest('hex');
    expect(context).toMatchObject({ decision: 'allowed', rateLimit: '100', keyHash });
  });

  test.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['a wrong key', 'Bearer assay_other'],
    ['a key without a scheme', secret],
    ['another scheme', `Digest ${secret}`],
    ['the key as user name', basic(`${secret}:`)],
    ['Basic without a colon', basic('assay')],
    ['Basic that is not base64', 'Basic %%%'],
    ['a scheme alone', 'Bearer '],
  ])('lets %s through as denied, to be answered by the function', async (_, authorization) => {
    expect(await authorize(authorization)).toEqual({ isAuthorized: true, context: { decision: 'denied' } });
  });

  test('fails where the keys cannot be read, so that nothing is cached', async () => {
    const handler = createHandler({ get: () => Promise.reject(new Error('throttled')) });
    await expect(handler({ headers: { authorization: `Bearer ${secret}` } })).rejects.toThrow('throttled');
  });
});
