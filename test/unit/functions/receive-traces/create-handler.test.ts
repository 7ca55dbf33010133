import { createHash, randomBytes } from 'node:crypto';
import { deflateSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { arrivalMessage, type SpansMessage } from '../../../../shared/contracts/arrival-message.ts';
import { decompressBody } from '../../../../shared/contracts/otlp/decompress.ts';
import { anOtlpRequest, traceA } from '../../../support/an-otlp-request.ts';
import { aReceiver, receivedAt } from './a-receiver.ts';

const body = anOtlpRequest({ spans: [{}, { spanId: '02'.repeat(8) }] });
const json = { 'content-type': 'application/json' };
const jsonBody = JSON.stringify({
  resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: traceA, spanId: '00f067aa0ba902b7', name: 'chat' }] }] }],
});
const nothing = { sent: [], stored: new Map() };

function unpack(message: SpansMessage | undefined): Buffer {
  const bytes = Buffer.from(message?.body ?? '', 'base64');
  return Buffer.from(decompressBody(bytes, message?.encoding ?? 'identity', { maxBytes: 2 ** 26 }));
}

describe('receive-traces accepts', () => {
  test('a protobuf request: one message with the body as it came', async () => {
    const { post, sent, stored } = aReceiver();
    const reply = await post({ body });
    expect(reply).toEqual({ status: 200, headers: { 'content-type': 'application/x-protobuf' } });
    expect(sent).toEqual([
      {
        v: 1,
        kind: 'spans',
        experimentId: '0',
        receivedAt,
        format: 'protobuf',
        encoding: 'identity',
        body: Buffer.from(body).toString('base64'),
      },
    ]);
    expect(arrivalMessage.parse(JSON.parse(JSON.stringify(sent[0])))).toEqual(sent[0]);
    expect(stored.size).toBe(0);
  });

  test.each(['application/json', 'Application/JSON; charset=utf-8'])(
    'a JSON request as %s and replies in JSON',
    async (type) => {
      const { post, sent } = aReceiver();
      const reply = await post({ body: jsonBody, headers: { 'content-type': type } });
      expect(reply).toEqual({ status: 200, headers: { 'content-type': 'application/json' } });
      expect(sent[0]).toMatchObject({ format: 'json', encoding: 'identity' });
      expect(unpack(sent[0]).toString()).toBe(jsonBody);
    },
  );

  test.each([
    ['gzip', gzipSync(body)],
    ['GZIP', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['zstd', zstdCompressSync(body)],
  ])('a body in %s and passes it on as it is', async (encoding, compressed) => {
    const { post, sent } = aReceiver();
    expect((await post({ body: compressed, headers: { 'content-encoding': encoding } })).status).toBe(200);
    expect(sent[0]).toMatchObject({ encoding: encoding.toLowerCase(), body: compressed.toString('base64') });
  });

  test.each([
    ['protobuf', {}, anOtlpRequest({ spans: [{ attributes: { text: 'hello '.repeat(4000) } }] })],
    ['JSON', json, jsonBody.replace('chat', 'c'.repeat(20_000))],
  ])('a large plain %s body and compresses it for the queue', async (_, headers, large) => {
    const { post, sent } = aReceiver();
    await post({ body: large, headers });
    expect(sent[0]?.encoding).toBe('zstd');
    expect(zstdDecompressSync(Buffer.from(sent[0]?.body ?? '', 'base64')).equals(Buffer.from(large))).toBe(true);
    expect(sent[0]?.body?.length).toBeLessThan(1000);
  });

  test('a body too large for a message: it lies in the inbox under its hash, the message names it', async () => {
    const { post, sent, stored } = aReceiver();
    const large = gzipSync(
      anOtlpRequest({ spans: [{ attributes: { noise: randomBytes(420_000).toString('base64') } }] }),
    );
    await post({ body: large, headers: { 'content-encoding': 'gzip' } });
    const key = `inbox/2026-06-01/${createHash('sha256').update(large).digest('hex')}`;
    expect(sent).toEqual([
      { v: 1, kind: 'spans', experimentId: '0', receivedAt, format: 'protobuf', encoding: 'gzip', inboxKey: key },
    ]);
    expect(Buffer.from(stored.get(key) ?? []).equals(large)).toBe(true);
  });

  test('a span of 5 MB, compressed', async () => {
    const { post, sent } = aReceiver();
    const large = anOtlpRequest({ spans: [{ attributes: { text: 'x'.repeat(5_000_000) } }] });
    expect((await post({ body: gzipSync(large), headers: { 'content-encoding': 'gzip' } })).status).toBe(200);
    expect(unpack(sent[0]).equals(Buffer.from(large))).toBe(true);
  });

  test.each([
    ['protobuf', {}, undefined],
    ['protobuf without groups', {}, new Uint8Array()],
    ['JSON', json, '{"resourceSpans":[]}'],
  ])('an empty %s request and sends nothing', async (_, headers, empty) => {
    const { post, sent } = aReceiver();
    expect((await post({ body: empty, headers })).status).toBe(200);
    expect(sent).toEqual([]);
  });

  test('the good spans of a request and says which it refused', async () => {
    const { post, sent, counted } = aReceiver();
    const reply = await post({ body: anOtlpRequest({ spans: [{}, { spanId: '00'.repeat(8) }, { traceId: 'ab' }] }) });
    expect(reply.status).toBe(200);
    expect(reply.partialSuccess).toEqual({
      rejectedSpans: '2',
      errorMessage: 'span id is all zeros (1 span); trace id of 1 bytes, expected 16 (1 span)',
    });
    expect(sent).toHaveLength(1);
    expect(counted).toEqual({ SpansRefused: 2 });
  });

  test('the good spans of a JSON request and says which it refused', async () => {
    const { post, sent } = aReceiver();
    const reply = await post({ body: jsonBody.replace('"spans":[', '"spans":[{"traceId":"xyz"},'), headers: json });
    expect(reply.partialSuccess).toEqual({ rejectedSpans: '1', errorMessage: 'trace id is not hexadecimal (1 span)' });
    expect(sent).toHaveLength(1);
  });

  test('a request whose spans are all refused, and sends nothing', async () => {
    const { post, sent } = aReceiver();
    const reply = await post({ body: anOtlpRequest({ spans: [{ traceId: '00'.repeat(16) }] }) });
    expect(reply).toMatchObject({ status: 200, partialSuccess: { rejectedSpans: '1' } });
    expect(sent).toEqual([]);
  });

  test('values nested 200 deep, NUL characters and text that is not UTF-8', async () => {
    const { post, sent } = aReceiver();
    const [open, close] = ['{"arrayValue":{"values":[', ']}}'].map((part) => part.repeat(200));
    const deep = `${open}{"stringValue":"a\\u0000b"}${close}`;
    const text = jsonBody.replace('"name":"chat"', `"name":"chat","attributes":[{"key":"k","value":${deep}}]`);
    expect((await post({ body: text, headers: json })).status).toBe(200);
    const invalidName = Buffer.from('2a02c328', 'hex');
    expect((await post({ body: anOtlpRequest({ spans: [{ extra: invalidName }] }) })).status).toBe(200);
    expect(sent).toHaveLength(2);
  });
});

describe('the experiment', () => {
  test.each([
    ['the header names it', { 'x-mlflow-experiment-id': '7' }, '', '7'],
    ['without a header it is the default', {}, '', '0'],
    ["without a header it is the key's only one", {}, '7', '7'],
    ['the header names one of several of the key', { 'x-mlflow-experiment-id': '7' }, '6,7', '7'],
  ])('%s', async (_, headers, experimentIds, expected) => {
    const { post, sent } = aReceiver();
    await post({ body, headers, caller: { decision: 'allowed', role: 'ingest', experimentIds } });
    expect(sent[0]?.experimentId).toBe(expected);
  });

  test.each(['', 'abc', '-1', '1.0', '007', '2147483648', '1,2', '99999999999999'])('%j is no id: 400', async (id) => {
    const { post, sent } = aReceiver();
    const reply = await post({ body, headers: { 'x-mlflow-experiment-id': id } });
    expect(reply).toMatchObject({ status: 400, message: expect.stringContaining('x-mlflow-experiment-id') });
    expect(sent).toEqual([]);
  });

  test.each([
    ['a key of another experiment', { 'x-mlflow-experiment-id': '8' }, '7'],
    ['a key of several without a header', {}, '6,7'],
  ])('%s: 403 that names those of the key', async (_, headers, experimentIds) => {
    const { post, sent } = aReceiver({ experiments: ['6', '7', '8'] });
    const reply = await post({ body, headers, caller: { decision: 'allowed', role: 'ingest', experimentIds } });
    expect(reply).toMatchObject({ status: 403, code: 7, message: expect.stringContaining('7') });
    expect(sent).toEqual([]);
  });

  test('one that does not exist: 404', async () => {
    const { post, sent } = aReceiver();
    const reply = await post({ body, headers: { 'x-mlflow-experiment-id': '12' } });
    expect(reply).toMatchObject({
      status: 404,
      code: 5,
      message: expect.stringContaining('experiment 12 does not exist'),
    });
    expect(sent).toEqual([]);
  });
});

test.each(['7', '0'])('experiment %s, deleted, takes nothing in: 404 that says so', async (id) => {
  const { post, sent } = aReceiver({ deleted: [id] });
  const reply = await post({ body, headers: { 'x-mlflow-experiment-id': id } });
  expect(reply).toMatchObject({
    status: 404,
    message: expect.stringContaining(`experiment ${id} is deleted: restore it`),
  });
  expect(sent).toEqual([]);
});

describe('the table of a Databricks exporter', () => {
  const path = '/api/2.0/otel/v1/traces';
  const tables = { 'main.traces.spans': '7', 'main.other.spans': '8' };
  const named = (table: string) => ({ 'x-databricks-uc-table-name': table });
  const limited = (experimentIds: string) => ({ decision: 'allowed', role: 'ingest', experimentIds });

  test.each(['main.traces.spans', 'Main.Traces.SPANS', ' main.traces.spans '])(
    '%j names the experiment',
    async (table) => {
      const { post, sent } = aReceiver({ tables });
      // Another experiment's header means nothing here.
      const reply = await post({ body, path, headers: { ...named(table), 'x-mlflow-experiment-id': '8' } });
      expect([reply.status, sent[0]?.experimentId]).toEqual([200, '7']);
    },
  );

  test.each([
    ['to a key of all', '', 'x.y.z', /main\.traces\.spans, main\.other\.spans$/],
    ['to a key of one', '7', 'x.y.z', /known are main\.traces\.spans$/],
    ['to a key that does not open it', '7', 'main.other.spans', /known are main\.traces\.spans$/],
    ['to a key of none', '12', 'x.y.z', /none is known yet/],
  ])('that is not known is a 404 that says which are: %s', async (_, experimentIds, table, message) => {
    const { post, sent } = aReceiver({ tables });
    const reply = await post({ body, path, headers: named(table), caller: limited(experimentIds) });
    expect(reply).toMatchObject({ status: 404, code: 5, message: expect.stringMatching(message) });
    expect(sent).toEqual([]);
  });

  test.each([
    [{}, /x-databricks-uc-table-name is missing: send catalog\.schema\.table/],
    [named(''), /is missing/],
    [named('spans'), /expected catalog\.schema\.table/],
    [named('a.b.c.d'), /expected catalog\.schema\.table/],
  ])('%j: 400 that says what to send', async (headers, message) => {
    const reply = await aReceiver({ tables }).post({ body, path, headers });
    expect(reply).toMatchObject({ status: 400, code: 3, message: expect.stringMatching(message) });
  });

  test('is nothing to a key that may only read, or to none', async () => {
    const { post } = aReceiver({ tables });
    const headers = named('main.traces.spans');
    expect((await post({ body, path, headers, caller: { ...limited(''), role: 'read' } })).status).toBe(403);
    expect((await post({ body, path, headers, caller: { decision: 'denied' } })).status).toBe(401);
  });

  test('whose experiment is deleted takes nothing in', async () => {
    const reply = await aReceiver({ tables, deleted: ['7'] }).post({ body, path, headers: named('main.traces.spans') });
    expect(reply).toMatchObject({ status: 404, message: expect.stringContaining('experiment 7 is deleted') });
  });

  test('leads callers who sign with credentials of AWS there, too', async () => {
    const { post, sent } = aReceiver({ tables });
    expect((await post({ body, path: `/iam${path}`, headers: named('main.traces.spans'), iam: true })).status).toBe(
      200,
    );
    expect(sent[0]?.experimentId).toBe('7');
  });

  test('that cannot be looked up: 503, to be sent again', async () => {
    const { post } = aReceiver({ tables, failing: 'tables' });
    expect(await post({ body, path, headers: named('main.traces.spans') })).toMatchObject({ status: 503, code: 14 });
  });
});

describe('receive-traces refuses', () => {
  test.each([
    ['a key that is not known', { decision: 'denied' }, 401],
    ['a request that no authorizer saw', null, 401],
    ['a key that may only read', { decision: 'allowed', role: 'read', experimentIds: '' }, 403],
  ])('%s', async (_, caller, status) => {
    const { post, sent } = aReceiver();
    const inProtobuf = await post({ body, caller });
    expect(inProtobuf).toMatchObject({ status, headers: { 'content-type': 'application/x-protobuf' } });
    const inJson = await post({ body: jsonBody, headers: json, caller });
    expect(inJson).toEqual({
      status,
      headers: { 'content-type': 'application/json' },
      code: inProtobuf.code,
      message: inProtobuf.message,
    });
    expect(sent).toEqual([]);
  });

  test.each([
    [undefined, 'content type is absent, expected application/x-protobuf or application/json'],
    ['text/plain', 'content type "text/plain", expected application/x-protobuf or application/json'],
    ['application/grpc+proto', /set the exporter to OTLP over HTTP/],
  ])('content type %s: 415, answered in JSON', async (type, message) => {
    const reply = await aReceiver().post({ body, headers: { 'content-type': type } });
    expect(reply).toMatchObject({ status: 415, headers: { 'content-type': 'application/json' }, code: 3 });
    expect(reply.message).toMatch(message);
  });

  test.each(['br', 'gzip, gzip', 'snappy'])('content encoding %s: 415 that says what is accepted', async (encoding) => {
    const reply = await aReceiver().post({ body, headers: { 'content-encoding': encoding } });
    expect(reply).toMatchObject({ status: 415, headers: { 'accept-encoding': 'gzip, deflate, zstd' } });
    expect(reply.message).toContain('gzip, deflate, zstd, or none');
  });

  test.each([
    ['protobuf that ends early', body.subarray(0, body.length - 1), {}, /runs beyond its message/],
    ['random bytes', Buffer.from('ffffffffffffffffffffffff', 'hex'), {}, /protobuf/],
    ['JSON that is not OTLP', '{"hello":"world"}', json, /resourceSpans is absent/],
    ['text that is not JSON', 'hello', json, /body is not JSON/],
    ['JSON that claims to be protobuf', jsonBody, {}, /protobuf/],
    ['plain data that claims to be gzip', body, { 'content-encoding': 'gzip' }, /body is not gzip data/],
    ['zstd that claims to be gzip', zstdCompressSync(body), { 'content-encoding': 'gzip' }, /body is not gzip data/],
    ['gzip that ends early', gzipSync(body).subarray(0, 30), { 'content-encoding': 'gzip' }, /body is not gzip data/],
    ['gzip that does not say so', gzipSync(body), {}, 'the body is gzip data: say so in content-encoding'],
    ['zstd that does not say so', zstdCompressSync(body), {}, 'the body is zstd data: say so in content-encoding'],
    [
      'gzip in gzip',
      gzipSync(gzipSync(body)),
      { 'content-encoding': 'gzip' },
      /compressed twice: below gzip lies gzip data/,
    ],
    ['zstd in gzip', gzipSync(zstdCompressSync(body)), { 'content-encoding': 'gzip' }, /below gzip lies zstd data/],
  ])('%s: 400, which exporters do not repeat', async (_, bad, headers, message) => {
    const { post, sent } = aReceiver();
    const reply = await post({ body: bad, headers });
    expect(reply).toMatchObject({ status: 400, code: 3 });
    expect(reply.message).toMatch(message);
    expect({ sent, stored: new Map() }).toEqual(nothing);
  });

  test('a bomb of 1 GB in 1 MB: 413', async () => {
    const part = gzipSync(Buffer.alloc(2 ** 26));
    const bomb = Buffer.concat(Array.from({ length: 16 }, () => part));
    const { post, sent } = aReceiver();
    const reply = await post({ body: bomb, headers: { 'content-encoding': 'gzip' } });
    expect(reply).toMatchObject({ status: 413, message: expect.stringContaining('larger than 67108864 bytes') });
    expect(sent).toEqual([]);
  });

  test('a body larger than Lambda takes: 413 that says what to do', async () => {
    const reply = await aReceiver().post({ body: Buffer.alloc(4_600_001) });
    expect(reply).toMatchObject({
      status: 413,
      message: expect.stringContaining('send smaller batches, or compress them'),
    });
  });

  test.each(['/v1/logs', '/v1/metrics'])(
    '%s: 404 that names /v1/traces, in the format of the request',
    async (path) => {
      for (const headers of [{}, json]) {
        const reply = await aReceiver().post({ body: jsonBody, path, headers });
        expect(reply).toMatchObject({
          status: 404,
          code: 5,
          message: `${path} is not served: only traces are, by POST to /v1/traces`,
        });
        expect(reply.headers['content-type']).toBe(headers === json ? 'application/json' : 'application/x-protobuf');
      }
    },
  );

  test('GET: 405', async () => {
    expect(await aReceiver().post({ method: 'GET' })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });
});

describe('while AWS does not take it', () => {
  test.each(['queue', 'experiments'] as const)('the %s failing: 503, to be sent again', async (failing) => {
    const { post, logged, counted } = aReceiver({ failing });
    const reply = await post({ body, headers: { 'x-mlflow-experiment-id': '7' } });
    expect(reply).toMatchObject({ status: 503, code: 14, headers: { 'retry-after': '5' } });
    expect(logged).toEqual(['request not accepted']);
    expect(counted).toEqual({ RequestsUnavailable: 1 });
  });

  test('the inbox failing: 503, and no message names what is not there', async () => {
    const { post, sent } = aReceiver({ failing: 'inbox' });
    const noise = anOtlpRequest({ spans: [{ attributes: { noise: randomBytes(600_000).toString('base64') } }] });
    expect(await post({ body: noise })).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(sent).toEqual([]);
  });
});
