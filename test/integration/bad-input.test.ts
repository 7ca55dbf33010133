import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { otlpJsonToProtobuf } from '../../shared/contracts/otlp/from-json.ts';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { type Reply, startTestStack, type TestStack } from '../support/local-stack.ts';
import { traceStore } from '../support/stored-trace.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());

let next = 1_000;

function aSpan(changes: Partial<JsonSpan> = {}): JsonSpan {
  return { traceId: traceIdOf(next++), spanId: spanIdOf(0), name: 'root', start: 0, end: 1, ...changes };
}

function bodyOf(spans: readonly JsonSpan[]): Uint8Array {
  return otlpJsonToProtobuf(JSON.stringify(exportRequest(spans))).body;
}

const json = { 'content-type': 'application/json' };

function sendJson(document: object, options = {}): Promise<Reply> {
  return stack.send(JSON.stringify(document), { headers: json, ...options });
}

async function isStored(span: JsonSpan): Promise<boolean> {
  await stack.stack.drain();
  return traceStore(stack.stack)
    .read(`tr-${span.traceId}`)
    .then(
      () => true,
      () => false,
    );
}

describe('a body that cannot be read', () => {
  const valid = bodyOf([aSpan()]);
  it.each<{ what: string; body: Uint8Array | string; headers?: Record<string, string>; status: number; says: RegExp }>([
    { what: 'truncated protobuf', body: valid.subarray(0, valid.length - 5), status: 400, says: /protobuf/ },
    { what: 'random bytes', body: randomBytes(2_000).fill(0xff, 0, 3), status: 400, says: /protobuf/ },
    { what: 'JSON that is not OTLP', body: '{"spans":[]}', headers: json, status: 400, says: /resourceSpans/ },
    { what: 'text that is not JSON', body: 'hello', headers: json, status: 400, says: /JSON/ },
    {
      what: 'another content type',
      body: 'hello',
      headers: { 'content-type': 'text/plain' },
      status: 415,
      says: /application\/x-protobuf/,
    },
    { what: 'an unknown compression', body: valid, headers: { 'content-encoding': 'br' }, status: 415, says: /gzip/ },
    {
      what: 'a compression that it does not have',
      body: valid,
      headers: { 'content-encoding': 'gzip' },
      status: 400,
      says: /gzip/,
    },
    {
      what: 'a double compression',
      body: gzipSync(gzipSync(valid)),
      headers: { 'content-encoding': 'gzip' },
      status: 400,
      says: /twice|compressed/,
    },
    { what: 'gRPC', body: valid, headers: { 'content-type': 'application/grpc' }, status: 415, says: /gRPC.*HTTP/ },
  ])('as $what is answered $status with what to do', async ({ body, headers, status, says }) => {
    const reply = await stack.send(body, { headers: headers ?? {} });
    expect(reply.status).toBe(status);
    expect(reply.body.toString('utf8')).toMatch(says);
  });

  it('as a bomb of 1 GB in 1 MB is refused, and quickly', async () => {
    const bomb = gzipSync(Buffer.alloc(1024 * 1024 * 1024), { level: 9 });
    const started = Date.now();
    const reply = await stack.send(bomb, { headers: { 'content-encoding': 'gzip' } });
    expect(reply.status).toBe(413);
    expect(Date.now() - started).toBeLessThan(3_000);
  });

  it('for being larger than Lambda takes is refused by the gateway', async () => {
    expect((await stack.send(randomBytes(11 * 1024 * 1024))).status).toBe(413);
    expect((await stack.send(randomBytes(4_800_000))).status).toBe(413);
  });
});

describe('a span that is not one', () => {
  it.each([
    { what: 'a trace id of zeros', change: { traceId: '0'.repeat(32) } },
    { what: 'a short trace id', change: { traceId: 'abcd' } },
    { what: 'a span id of zeros', change: { spanId: '0'.repeat(16) } },
    { what: 'a long span id', change: { spanId: '1'.repeat(18) } },
  ])('for $what is refused, counted, and costs its neighbours nothing', async ({ change }) => {
    const neighbour = aSpan();
    const reply = await sendJson(exportRequest([aSpan(change), neighbour]));
    expect(reply.status).toBe(200);
    expect(reply.json()).toMatchObject({
      partialSuccess: { rejectedSpans: expect.toSatisfy((count) => Number(count) === 1) },
    });
    expect(await isStored(neighbour)).toBe(true);
  });
});

describe('an odd span', () => {
  it('that ends before it starts is stored, with a duration of zero', async () => {
    const span = aSpan({ start: 10, end: 5 });
    await sendJson(exportRequest([span]));
    await stack.stack.drain();
    const { record } = await traceStore(stack.stack).read(`tr-${span.traceId}`);
    expect(record.info).toMatchObject({ completeness: 'complete', facts: { durationMs: 0 } });
  });

  it('of 5 MB is stored whole, and archived with its large value in an object of its own', async () => {
    const text = 'a large value '.repeat(360_000);
    const span = aSpan({ attributes: { 'input.value': text } });
    const reply = await stack.send(gzipSync(bodyOf([span])), { headers: { 'content-encoding': 'gzip' } });
    expect(reply.status).toBe(200);
    await stack.stack.drain();
    const { spans } = await traceStore(stack.stack).read(`tr-${span.traceId}`);
    expect(spans[0]?.attributes['input.value']).toBe(text);
    const { s3 } = stack.stack.clients();
    const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
    const Bucket = stack.stack.outputs.get('ArchiveBucket');
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'values/' }));
    expect(Contents.map(({ Size }) => Size)).toEqual([text.length]);
  });

  it('with texts that are not UTF-8, and with NUL, is stored and read back', async () => {
    const span = aSpan({ name: 'before\0after', attributes: { 'input.value': 'hello' } });
    const body = Buffer.from(bodyOf([span]));
    body.fill(0xff, body.indexOf('hello'), body.indexOf('hello') + 2);
    expect((await stack.send(body)).status).toBe(200);
    await stack.stack.drain();
    const reply = await stack.api('GET', `/api/3.0/mlflow/traces/get?trace_id=tr-${span.traceId}`);
    const attribute = { key: 'input.value', value: { string_value: '\ufffd\ufffdllo' } };
    expect(reply.json()).toMatchObject({
      trace: { spans: [{ name: 'before\0after', attributes: expect.arrayContaining([attribute]) }] },
    });
  });

  it('with attributes nested 200 deep is stored and read back whole', async () => {
    let value: object = { stringValue: 'bottom' };
    for (let depth = 0; depth < 200; depth++) value = { kvlistValue: { values: [{ key: 'k', value }] } };
    const span = { ...aSpan(), startTimeUnixNano: '1', endTimeUnixNano: '2', attributes: [{ key: 'deep', value }] };
    const request = { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
    expect((await sendJson(request)).status).toBe(200);
    await stack.stack.drain();
    const reply = await stack.api('GET', `/api/3.0/mlflow/traces/get?trace_id=tr-${span.traceId}`);
    expect(reply.body.toString('utf8').split('kvlist_value')).toHaveLength(201);
    expect(reply.body.toString('utf8')).toContain('bottom');
  });
});

describe('a trace of 33,000 spans', () => {
  it('is stored whole and read back through a redirect', { timeout: 120_000 }, async () => {
    const traceId = traceIdOf(next++);
    const spans = Array.from({ length: 33_000 }, (_, i) => ({
      traceId,
      spanId: spanIdOf(i),
      name: `span ${i}`,
      start: 0,
      end: 1,
      ...(i > 0 && { parentSpanId: spanIdOf(0) }),
    }));
    for (let i = 0; i < spans.length; i += 3_000) {
      const reply = await stack.send(gzipSync(bodyOf(spans.slice(i, i + 3_000))), {
        headers: { 'content-encoding': 'gzip' },
      });
      expect(reply.status).toBe(200);
    }
    await stack.stack.drain(90_000);
    const { record } = await traceStore(stack.stack).read(`tr-${traceId}`);
    expect(record.info).toMatchObject({ completeness: 'complete', facts: { spanCount: 33_000 } });
    const reply = await stack.api('GET', `/api/3.0/mlflow/traces/get?trace_id=tr-${traceId}`);
    expect(reply.status).toBe(200);
    const { trace } = reply.json() as unknown as { trace: { spans: { span_id: string }[] } };
    expect(new Set(trace.spans.map(({ span_id: id }) => id)).size).toBe(33_000);
  });
});

describe('a caller', () => {
  it('without a key is refused by the gateway', async () => {
    const reply = await stack.send(bodyOf([aSpan()]), { key: null });
    expect([reply.status, reply.json()]).toEqual([401, { message: 'Unauthorized' }]);
  });

  it('with a wrong key is refused in its own format', async () => {
    const asJson = await sendJson(exportRequest([aSpan()]), { key: 'assay_wrong' });
    expect([asJson.status, asJson.headers.get('content-type')]).toEqual([401, 'application/json']);
    const asProtobuf = await stack.send(bodyOf([aSpan()]), { key: 'assay_wrong' });
    expect([asProtobuf.status, asProtobuf.headers.get('content-type')]).toEqual([401, 'application/x-protobuf']);
    const api = await fetch(new URL('/api/3.0/mlflow/scorers/list?experiment_id=0', stack.stack.url), {
      headers: { authorization: 'Bearer assay_wrong' },
    });
    expect([api.status, await api.json()]).toMatchObject([401, { error_code: 'UNAUTHENTICATED' }]);
  });

  it('with a key of another experiment is refused', async () => {
    const { experiment_id: mine } = (
      await stack.api('POST', '/api/2.0/mlflow/experiments/create', { name: 'mine' })
    ).json() as unknown as { experiment_id: string };
    const key = await stack.makeKey('ingest', [mine]);
    const other = await sendJson(exportRequest([aSpan()]), {
      key,
      headers: { ...json, 'x-mlflow-experiment-id': '0' },
    });
    expect(other.status).toBe(403);
    const own = aSpan();
    expect((await sendJson(exportRequest([own]), { key })).status).toBe(200);
    await stack.stack.drain();
    expect((await traceStore(stack.stack).read(`tr-${own.traceId}`)).record.info.experimentId).toBe(mine);
  });

  it('that names an experiment which does not exist is told so', async () => {
    const reply = await sendJson(exportRequest([aSpan()]), { headers: { ...json, 'x-mlflow-experiment-id': '4711' } });
    expect(reply.status).toBe(404);
    expect(reply.body.toString('utf8')).toContain('4711');
  });

  it('that sends logs or metrics is told where traces go', async () => {
    for (const path of ['/v1/logs', '/v1/metrics']) {
      const reply = await sendJson({}, { path });
      expect([reply.status, reply.body.toString('utf8').includes('/v1/traces')]).toEqual([404, true]);
    }
  });
});

describe('after all that', () => {
  it('nothing lies in a dead-letter queue', () => {
    expect(stack.stack.deadLetters()).toBe(0);
  });
});
