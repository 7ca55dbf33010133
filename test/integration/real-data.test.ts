import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Span } from '../../shared/domain/span.ts';
import type { TraceFacts } from '../../shared/domain/trace.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import {
  hasSharedData,
  type OtlpRequest,
  type OtlpSpan,
  plainAttributes,
  sharedRequests,
  singleSpanRequests,
  spansOf,
} from '../support/shared-data.ts';
import { traceStore } from '../support/stored-trace.ts';

const files = hasSharedData ? sharedRequests() : [];

/** What a request's spans are once they are stored: by span id, values as they were sent. */
function expectedSpans(spans: readonly OtlpSpan[]) {
  return spans.map((span) => ({
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    name: span.name,
    start: BigInt(span.startTimeUnixNano),
    end: BigInt(span.endTimeUnixNano),
    status: ['UNSET', 'OK', 'ERROR'][span.status?.code ?? 0],
    message: span.status?.message ?? '',
    attributes: plainAttributes(span.attributes),
    events: (span.events ?? []).map((event) => ({
      name: event.name,
      time: BigInt(event.timeUnixNano),
      attributes: plainAttributes(event.attributes),
    })),
  }));
}

function storedSpans(spans: readonly Span[]) {
  return spans.map((span) => ({
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    start: span.startTimeUnixNano,
    end: span.endTimeUnixNano,
    status: span.status.code,
    message: span.status.message,
    attributes: exact(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      time: event.timeUnixNano,
      attributes: exact(event.attributes),
    })),
  }));
}

/** Whole numbers as bigints, as the sent ones are; a double that is whole is the same number. */
function exact(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, exact(member)]));
  return value;
}

function bySpanId<T extends { spanId: string }>(spans: readonly T[]): readonly T[] {
  return spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));
}

function byTrace(requests: readonly OtlpRequest[]): ReadonlyMap<string, readonly OtlpSpan[]> {
  return Map.groupBy(requests.flatMap(spansOf), (span) => `tr-${span.traceId}`);
}

function send(stack: TestStack, request: OtlpRequest) {
  return stack.send(gzipSync(JSON.stringify(request)), {
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  });
}

/** Sends all and answers the facts of every trace, as stored. */
async function factsOf(stack: TestStack, requests: readonly OtlpRequest[]): Promise<ReadonlyMap<string, TraceFacts>> {
  for (let i = 0; i < requests.length; i += 8) {
    const replies = await Promise.all(requests.slice(i, i + 8).map((request) => send(stack, request)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
  }
  await stack.stack.drain(120_000);
  const store = traceStore(stack.stack);
  const traceIds = [...byTrace(requests).keys()];
  return new Map(
    await Promise.all(traceIds.map(async (id) => [id, (await store.read(id)).record.info.facts] as const)),
  );
}

describe.skipIf(!hasSharedData)('traces of real agents', () => {
  let stack: TestStack;
  let facts: ReadonlyMap<string, TraceFacts>;

  beforeAll(async () => {
    stack = await startTestStack();
    facts = await factsOf(
      stack,
      files.flatMap(({ requests }) => requests),
    );
  });
  afterAll(() => stack.stop());

  it.each(files)('of $file are stored as they were sent, each span once', async ({ requests }) => {
    const store = traceStore(stack.stack);
    for (const [traceId, spans] of byTrace(requests)) {
      const stored = await store.read(traceId);
      expect(bySpanId(storedSpans(stored.spans))).toEqual(
        bySpanId(
          expectedSpans(spans).map((span) => ({
            ...span,
            attributes: exact(span.attributes),
            events: span.events.map((event) => ({ ...event, attributes: exact(event.attributes) })),
          })),
        ),
      );
    }
  });

  it.each(files)('of $file come back over the API, each span once', async ({ requests }) => {
    for (const [traceId, spans] of byTrace(requests)) {
      const reply = await stack.api('GET', `/api/3.0/mlflow/traces/get?trace_id=${traceId}`);
      const { trace } = reply.json() as unknown as {
        trace: { spans: { span_id: string; name: string; start_time_unix_nano: string }[] };
      };
      const read = trace.spans.map((span) => [
        Buffer.from(span.span_id, 'base64').toString('hex'),
        span.name,
        span.start_time_unix_nano,
      ]);
      expect(read.toSorted()).toEqual(spans.map((span) => [span.spanId, span.name, span.startTimeUnixNano]).toSorted());
    }
  });

  it('say what went in and what came out, wherever they say it at all', () => {
    const speechless = [...facts].filter(
      ([, { requestPreview, responsePreview }]) => !requestPreview || !responsePreview,
    );
    // AutoGen's spans hold no texts.
    const silent = files
      .filter(({ file }) => file.startsWith('autogen'))
      .flatMap(({ requests }) => [...byTrace(requests).keys()]);
    expect(speechless.map(([traceId]) => traceId).toSorted()).toEqual(silent.toSorted());
  });

  it('of the airline name their model and sum the tokens of their calls', () => {
    for (const [traceId, spans] of byTrace(files.find(({ file }) => file.startsWith('airline'))?.requests ?? [])) {
      const calls = spans
        .map((span) => plainAttributes(span.attributes))
        .filter((attributes) => attributes['gen_ai.usage.input_tokens'] !== undefined);
      const sum = (key: string) =>
        Number(calls.reduce((total, attributes) => total + ((attributes[key] as bigint) ?? 0n), 0n));
      expect(facts.get(traceId)).toMatchObject({
        models: ['gpt-4o'],
        tokens: { inputTokens: sum('gen_ai.usage.input_tokens'), outputTokens: sum('gen_ai.usage.output_tokens') },
      });
      expect(facts.get(traceId)?.cost?.totalCost).toBeGreaterThan(0);
    }
  });

  it('of the airline count each failed tool call', () => {
    for (const [traceId, spans] of byTrace(files.find(({ file }) => file.startsWith('airline'))?.requests ?? [])) {
      const tools = spans.filter(
        (span) => plainAttributes(span.attributes)['gen_ai.operation.name'] === 'execute_tool',
      );
      expect(facts.get(traceId)).toMatchObject({
        toolCallCount: tools.length,
        toolErrorCount: tools.filter((span) => span.status?.code === 2).length,
      });
    }
  });

  it('leave nothing in a dead-letter queue', () => {
    expect(stack.stack.deadLetters()).toBe(0);
  });
});

describe.skipIf(!hasSharedData)('the same traces in another order, a span a request', () => {
  it('become the same', { timeout: 240_000 }, async () => {
    // Ten trajectories: one-span requests cost an invocation's share each, and more of them prove no more.
    const requests = files.flatMap(({ file, requests: all }) => (file.startsWith('airline') ? all.slice(0, 10) : all));
    const whole = await startTestStack();
    const expected = await factsOf(whole, requests);
    await whole.stop();
    const split = await startTestStack();
    const facts = await factsOf(split, requests.flatMap(singleSpanRequests).toReversed());
    expect(split.stack.deadLetters()).toBe(0);
    await split.stop();
    expect(facts).toEqual(expected);
  });
});
