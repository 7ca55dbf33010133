import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { dynamoKeyStore } from '../../shared/adapters/dynamo-key-store.ts';
import type { KeyStore } from '../../shared/domain/ports.ts';
import { exportRequest, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { signRequest } from '../support/sign-request.ts';

let stack: TestStack;
let keys: KeyStore;
beforeAll(async () => {
  stack = await startTestStack();
  keys = dynamoKeyStore(stack.stack.clients().dynamodb, stack.stack.outputs.get('RegistryTable') ?? '');
});
afterAll(() => stack.stop());
afterEach(() => vi.restoreAllMocks());

const info = '/api/3.0/mlflow/server-info';
const body = JSON.stringify(
  exportRequest([{ traceId: traceIdOf(1), spanId: spanIdOf(0), name: 'root', start: 0, end: 1 }]),
);

function call(path: string, authorization: string): Promise<Response> {
  return fetch(new URL(path, stack.stack.url), { headers: { authorization } });
}

function send(authorization: string): Promise<Response> {
  const headers = { authorization, 'content-type': 'application/json' };
  return fetch(new URL('/v1/traces', stack.stack.url), { method: 'POST', headers, body });
}

describe('a key', () => {
  it.each([
    ['as bearer token', (key: string) => `Bearer ${key}`],
    ['as password', (key: string) => `Basic ${Buffer.from(`anybody:${key}`).toString('base64')}`],
  ])('opens what its role may do %s', async (_, authorization) => {
    const opened = authorization(await stack.makeKey('write'));
    expect((await call(info, opened)).status).toBe(200);
    expect((await send(opened)).status).toBe(200);
    const reading = authorization(await stack.makeKey('read'));
    expect([(await call(info, reading)).status, (await send(reading)).status]).toEqual([200, 403]);
    const wrong = authorization('assay_wrong');
    expect([(await call(info, wrong)).status, (await send(wrong)).status]).toEqual([401, 401]);
  });

  it('that is revoked works for as long as the authorizer’s answer is remembered: sixty seconds', async () => {
    const key = await stack.makeKey('write');
    const statuses = async () => [(await call(info, `Bearer ${key}`)).status, (await send(`Bearer ${key}`)).status];
    const now = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now);
    expect(await statuses()).toEqual([200, 200]);
    await keys.remove(createHash('sha256').update(key).digest('hex'));
    clock.mockReturnValue(now + 59_000);
    expect(await statuses()).toEqual([200, 200]);
    clock.mockReturnValue(now + 60_000);
    expect(await statuses()).toEqual([401, 401]);
  });

  it('with a limit is told to come back once it is spent, whatever it is used for', async () => {
    const authorization = `Bearer ${await stack.makeKey('write', [], 3)}`;
    expect((await call(info, authorization)).status).toBe(200);
    const seconds = new Set([second()]);
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 ? send(authorization) : call(info, authorization))),
    );
    seconds.add(second());
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(12 - 3 * (Math.max(...seconds) - Math.min(...seconds) + 1));
    expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual(refused.map(() => '1'));
    const bodies = await Promise.all(refused.map((reply) => reply.json() as Promise<object>));
    const kinds = new Set(bodies.map((each) => ('error_code' in each ? 'MLflow' : 'code' in each ? 'OTLP' : each)));
    expect([...kinds].toSorted()).toEqual(['MLflow', 'OTLP']);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await send(authorization)).status).toBe(200);
  });
});

const second = () => Math.floor(Date.now() / 1000);

describe('a caller in AWS', () => {
  async function signed(path: string, request: { method?: string; body?: string } = {}) {
    const url = new URL(path, stack.stack.url);
    const headers = await signRequest({ url, headers: { 'content-type': 'application/json' }, ...request });
    return fetch(url, { headers, ...request });
  }

  it('sends and reads with a signature, without a key', async () => {
    expect((await signed('/iam/v1/traces', { method: 'POST', body })).status).toBe(200);
    await stack.stack.drain();
    const found = await signed(`/iam/api/3.0/mlflow/traces/get?trace_id=tr-${traceIdOf(1)}`);
    expect([found.status, await found.json()]).toMatchObject([200, { trace: { spans: [{ name: 'root' }] } }]);
    expect(await (await signed('/iam/version')).text()).toMatch(/^\d+\.\d+/);
  });

  it.each(['/iam/v1/traces', '/iam/version', `/iam${info}`])(
    'is refused by the gateway without one: %s',
    async (path) => {
      const reply = await call(path, `Bearer ${stack.adminKey}`);
      expect([reply.status, await reply.json()]).toEqual([403, { message: 'Forbidden' }]);
    },
  );

  it('has no key elsewhere', async () => {
    expect((await signed(info)).status).toBe(401);
  });
});
