import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, callerOf, startApi } from './an-api.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
}, 60_000);
afterAll(() => api.stop());

const path = '/api/2.0/mlflow/experiments/get?experiment_id=0';
const aKey = (rest: object = {}) => ({ lambda: { decision: 'allowed', role: 'read', experimentIds: '', ...rest } });

describe('a key with a limit', () => {
  it('is served until it is spent, and then told to come back, whatever it asks for', async () => {
    const fresh = callerOf(api.deps, aKey({ keyHash: 'fresh', rateLimit: '5' }));
    expect((await fresh('GET', path)).status).toBe(200);
    const spent = callerOf(api.deps, aKey({ keyHash: 'spent', rateLimit: '5' }));
    for (const asked of [path, '/api/2.0/mlflow/nothing']) {
      expect(await spent('GET', asked)).toEqual({
        status: 429,
        headers: { 'content-type': 'application/json', 'retry-after': '1' },
        body: { error_code: 'REQUEST_LIMIT_EXCEEDED', message: 'the API key is limited to 5 requests a second' },
      });
    }
    expect((await spent('GET', '/version')).status).toBe(200);
  });

  it('is told to come back where its requests cannot be counted; others are not counted', async () => {
    const failing = { ...api.deps, isWithinLimit: () => Promise.reject(new Error('throttled')) };
    const limited = await callerOf(failing, aKey({ keyHash: 'fresh', rateLimit: '5' }))('GET', path);
    expect([limited.status, limited.body.error_code]).toEqual([429, 'REQUEST_LIMIT_EXCEEDED']);
    expect((await callerOf(failing, aKey())('GET', path)).status).toBe(200);
  });
});

describe('a caller whom IAM let through', () => {
  it('may do everything, on the same routes under their prefix', async () => {
    const call = callerOf(api.deps, { iam: { userArn: 'arn:aws:iam::1:user/u' } });
    expect((await call('GET', `/iam${path}`)).status).toBe(200);
    const created = await call('POST', '/iam/api/2.0/mlflow/experiments/create', { name: 'of IAM' });
    expect(created.status).toBe(200);
    expect((await call('GET', '/iam/version')).status).toBe(200);
    expect((await call('GET', '/iam/nothing')).body).toMatchObject({ message: 'GET /nothing is not served here' });
  });

  it('is nobody who only asks under that prefix', async () => {
    expect((await callerOf(api.deps, aKey())('GET', `/iam${path}`)).status).toBe(404);
    expect((await callerOf(api.deps, {})('GET', `/iam${path}`)).status).toBe(401);
  });
});
