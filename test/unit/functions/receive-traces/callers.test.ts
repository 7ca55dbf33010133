import { describe, expect, test } from 'vitest';
import { roles } from '../../../../shared/domain/api-key.ts';
import { anOtlpRequest } from '../../../support/an-otlp-request.ts';
import { aReceiver } from './a-receiver.ts';

const body = anOtlpRequest({ spans: [{ name: 'chat' }] });
const aKey = (rest: Readonly<Record<string, string>> = {}) => ({
  decision: 'allowed',
  role: 'ingest',
  experimentIds: '',
  ...rest,
});

describe('receive-traces', () => {
  test.each(roles)('lets a key of role %s send or says why not', async (role) => {
    const { post, sent } = aReceiver();
    const { status } = await post({ body, caller: aKey({ role }) });
    expect([status, sent.length]).toEqual(role === 'read' ? [403, 0] : [200, 1]);
  });

  test('takes what IAM let through under its prefix, for any experiment', async () => {
    const { post, sent } = aReceiver();
    const headers = { 'x-mlflow-experiment-id': '7' };
    expect((await post({ body, headers, path: '/iam/v1/traces', iam: true })).status).toBe(200);
    expect(sent[0]?.experimentId).toBe('7');
    const reply = await post({ body, path: '/iam/v1/logs', iam: true });
    expect(reply).toMatchObject({ status: 404, message: expect.stringContaining('/v1/logs is not served') });
  });
});

describe('a key with a limit', () => {
  test('sends until it is spent, and is then told to come back: 429', async () => {
    const { post, sent } = aReceiver();
    expect((await post({ body, caller: aKey({ keyHash: 'fresh', rateLimit: '5' }) })).status).toBe(200);
    const spent = aKey({ keyHash: 'spent', rateLimit: '5' });
    expect(await post({ body, caller: spent })).toEqual({
      status: 429,
      headers: { 'content-type': 'application/x-protobuf', 'retry-after': '1' },
      code: 8,
      message: 'the API key is limited to 5 requests a second',
    });
    expect(sent).toHaveLength(1);
  });

  test('is told to come back where its requests cannot be counted: 503', async () => {
    const { post, sent } = aReceiver({ failing: 'counts' });
    const reply = await post({ body, caller: aKey({ keyHash: 'fresh', rateLimit: '5' }) });
    expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(sent).toEqual([]);
  });

  test('is alone in being counted', async () => {
    const { post } = aReceiver({ failing: 'counts' });
    expect((await post({ body, caller: aKey() })).status).toBe(200);
  });
});
