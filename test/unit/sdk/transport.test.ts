import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AssayError, createClient, InvalidParameterError, RateLimitError, TimeoutError } from '../../../sdk/index.ts';
import { type ScriptedApi, type ScriptedReply, startScriptedApi } from '../../support/scripted-api.ts';

let api: ScriptedApi;
beforeAll(async () => {
  api = await startScriptedApi();
});
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(() => {
  api.asked.length = 0;
});

const client = (options: object = {}) => createClient({ url: api.url, key: 'secret', ...options });
const refused = (status: number, error_code?: string, headers = {}): ScriptedReply => ({
  status,
  headers,
  body: error_code === undefined ? '<html>' : { error_code, message: 'in its own words' },
});
const error = async (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (thrown) => thrown as AssayError,
  );

describe('a call', () => {
  it('carries the key, and JSON only where there is some', async () => {
    api.script('GET /x', { body: { y: 1 } });
    expect(await client().call('GET', '/x')).toEqual({ y: 1 });
    expect(api.asked[0]?.headers).toMatchObject({ authorization: 'Bearer secret' });
    expect(api.asked[0]?.headers).not.toHaveProperty('content-type');
    api.script('POST /x', {});
    await createClient({ url: api.url }).call('POST', '/x', { a: 'ü' });
    expect(api.asked[1]).toMatchObject({ body: { a: 'ü' }, headers: { 'content-type': 'application/json' } });
    expect(api.asked[1]?.headers).not.toHaveProperty('authorization');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, new Date('june')])('with %s for a value is not made', async (none) => {
    const thrown = await error(client().call('POST', '/x', { scorers: [{ sample_rate: none }] }));
    expect(thrown).toBeInstanceOf(InvalidParameterError);
    expect(thrown?.message).toBe(`sample_rate is no value: ${String(none)}`);
    expect(api.asked).toEqual([]);
  });

  it.each([
    [400, 'INVALID_PARAMETER_VALUE', 'InvalidParameterError'],
    [401, 'UNAUTHENTICATED', 'AuthenticationError'],
    [403, 'PERMISSION_DENIED', 'PermissionDeniedError'],
    [404, 'RESOURCE_DOES_NOT_EXIST', 'NotFoundError'],
    [404, 'ENDPOINT_NOT_FOUND', 'NotFoundError'],
    [400, 'RESOURCE_ALREADY_EXISTS', 'ConflictError'],
    [409, 'RESOURCE_CONFLICT', 'ConflictError'],
    [429, 'REQUEST_LIMIT_EXCEEDED', 'RateLimitError'],
    [500, 'INTERNAL_ERROR', 'ServerError'],
    [418, 'SOMETHING_NEW', 'AssayError'],
  ])('that the API refuses with %i %s throws %s with its words', async (status, code, name) => {
    api.script('GET /x', refused(status, code));
    const thrown = await error(client({ maxRetries: 0 }).call('GET', '/x'));
    expect(thrown).toBeInstanceOf(AssayError);
    expect(thrown).toMatchObject({ name, code, status, message: 'in its own words', request: 'GET /x' });
  });

  it.each([
    [401, 'UNAUTHENTICATED', 'AuthenticationError'],
    [403, 'PERMISSION_DENIED', 'PermissionDeniedError'],
    [502, 'HTTP_502', 'ServerError'],
  ])('that is refused with %i before the API is reached has a code, too', async (status, code, name) => {
    api.script('GET /x', refused(status));
    const thrown = await error(client({ maxRetries: 0 }).call('GET', '/x'));
    expect(thrown).toMatchObject({ name, code, status, message: `the answer was ${status}: <html>` });
  });

  it('of a page that is not of Assay says so', async () => {
    api.script('GET /x', { body: '<html>proxy</html>' });
    const thrown = await error(client({ maxRetries: 0 }).call('GET', '/x'));
    expect(thrown).toMatchObject({ code: 'CONNECTION_FAILED', message: expect.stringContaining('<html>proxy') });
  });

  it('to where nobody listens says so', async () => {
    const thrown = await error(createClient({ url: 'http://127.0.0.1:9', maxRetries: 0 }).health());
    expect(thrown).toMatchObject({
      name: 'ConnectionError',
      message: expect.stringMatching(/127\.0\.0\.1:9 does not/),
    });
  });

  it('with a body that is no JSON is a mistake of its caller, not of the connection', async () => {
    const thrown = await error(client().call('POST', '/x', { order: 1n }));
    expect(thrown).toBeInstanceOf(TypeError);
    expect(api.asked).toEqual([]);
  });

  it('needs a URL', () => {
    expect(() => createClient({ url: 'nonsense' })).toThrow(InvalidParameterError);
  });
});

describe('a call is asked again', () => {
  it.each([
    ['GET', 429],
    ['POST', 429],
    ['DELETE', 429],
    ['GET', 503],
    ['PUT', 500],
  ] as const)('%s after %i', async (method, status) => {
    api.script(`${method} /x`, refused(status, 'NOT_NOW'), refused(status), { body: { done: true } });
    expect(await client().call(method, '/x')).toEqual({ done: true });
    expect(api.asked).toHaveLength(3);
  });

  it.each([
    ['POST', { status: 503 }],
    ['DELETE', { status: 500 }],
    ['POST', { breaks: true }],
    ['GET', { status: 404 }],
    ['PUT', { status: 400 }],
  ] as const)('never where it may have been done, or is refused for good: %s, %j', async (method, reply) => {
    api.script(`${method} /x`, reply, {});
    expect(await error(client().call(method, '/x'))).toBeInstanceOf(AssayError);
    expect(api.asked).toHaveLength(1);
  });

  it('after a connection that broke', async () => {
    api.script('GET /x', { breaks: true }, { body: 1 });
    expect(await client().call('GET', '/x')).toBe(1);
  });

  it('not before the time that the API asks for', async () => {
    api.script('GET /x', refused(429, 'REQUEST_LIMIT_EXCEEDED', { 'retry-after': '1' }), {});
    const began = performance.now();
    await client().call('GET', '/x');
    expect(performance.now() - began).toBeGreaterThan(950);
  });

  it('not at all where that is too long, and the caller is told how long', async () => {
    api.script('GET /x', refused(429, 'REQUEST_LIMIT_EXCEEDED', { 'retry-after': '3600' }), {});
    const thrown = await error(client().call('GET', '/x'));
    expect(thrown).toBeInstanceOf(RateLimitError);
    expect(thrown).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(api.asked).toHaveLength(1);
  });

  it('as often as it was said', async () => {
    api.script('GET /x', refused(503));
    expect(await error(client({ maxRetries: 2 }).call('GET', '/x'))).toMatchObject({ status: 503 });
    expect(api.asked).toHaveLength(3);
  });
});

describe('a call ends', () => {
  it('when it takes too long', async () => {
    api.script('GET /x', { delayMs: 1_000 });
    const thrown = await error(client({ timeoutMs: 50, maxRetries: 0 }).call('GET', '/x'));
    expect(thrown).toBeInstanceOf(TimeoutError);
    expect(thrown).toMatchObject({ code: 'TIMEOUT', message: 'no answer within 50 ms' });
  });

  it.each([
    ['while it is under way', { delayMs: 1_000 }],
    ['while it waits to be asked again', refused(429, 'REQUEST_LIMIT_EXCEEDED', { 'retry-after': '30' })],
  ])('when its signal says so, %s, with the reason of the signal', async (_, reply) => {
    api.script('GET /x', reply);
    const controller = new AbortController();
    const called = error(client().call('GET', '/x', undefined, { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error('no longer wanted')), 100);
    expect(await called).toMatchObject({ message: 'no longer wanted' });
    expect(api.asked).toHaveLength(1);
  });
});
