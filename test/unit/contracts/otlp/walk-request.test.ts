import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BodyTooLargeError } from '../../../../shared/contracts/otlp/body-too-large-error.ts';
import { decodeTracesData } from '../../../../shared/contracts/otlp/decode-spans.ts';
import { MalformedOtlpError } from '../../../../shared/contracts/otlp/malformed-otlp-error.ts';
import { describeRefused } from '../../../../shared/contracts/otlp/span-ids.ts';
import { walkTracesRequest } from '../../../../shared/contracts/otlp/walk-request.ts';
import { anOtlpRequest, aSpanMessage, traceA, traceB, type WireSpan, write } from '../../../support/an-otlp-request.ts';

const unknownField = write((writer) => writer.writeStringField(99, 'from the future'));

describe('walkTracesRequest', () => {
  test('splits a request by trace, each under its own resource and scope', () => {
    const body = anOtlpRequest(
      { service: 'one', scope: 's1', spans: [{ spanId: '01'.repeat(8) }, { traceId: traceB, spanId: '02'.repeat(8) }] },
      { service: 'two', scope: 's2', spans: [{ spanId: '03'.repeat(8) }] },
    );
    const { traces, spanCount, refused } = walkTracesRequest(body);
    expect({ spanCount, refused }).toEqual({ spanCount: 3, refused: [] });
    const seen = traces.map(({ traceId, tracesData }) => [
      traceId,
      ...decodeTracesData(tracesData()).map(
        ({ span }) => `${span.resource.attributes['service.name']}/${span.scope.name}/${span.spanId}`,
      ),
    ]);
    expect(seen).toEqual([
      [`tr-${traceA}`, 'one/s1/0101010101010101', 'two/s2/0303030303030303'],
      [`tr-${traceB}`, 'one/s1/0202020202020202'],
    ]);
  });

  test('gives the whole request back where it holds one trace, byte for byte, unknown fields too', () => {
    const body = anOtlpRequest({ spans: [{ extra: unknownField }, { spanId: '03'.repeat(8) }], extra: unknownField });
    const { traces } = walkTracesRequest(body);
    // The header's fields come before the spans; here the unknown one stood behind them.
    const copy = traces[0]?.tracesData() as Uint8Array;
    expect(copy.length).toBe(body.length);
    expect(Buffer.from(copy).toString('latin1').split('from the future')).toHaveLength(4);
    expect(decodeTracesData(copy)).toEqual(decodeTracesData(body));
    expect(walkTracesRequest(copy).traces[0]?.tracesData()).toEqual(copy);
  });

  test('copies the bytes of a span as they were sent', () => {
    const span: WireSpan = { attributes: { 'gen_ai.prompt': 'räksmörgås' }, extra: unknownField };
    const copy = walkTracesRequest(anOtlpRequest({ spans: [span] })).traces[0]?.tracesData() as Uint8Array;
    expect(Buffer.from(copy).includes(Buffer.from(aSpanMessage(span)))).toBe(true);
  });

  test.each([
    [{ traceId: '' }, 'trace id of 0 bytes, expected 16'],
    [{ traceId: '01'.repeat(15) }, 'trace id of 15 bytes, expected 16'],
    [{ traceId: '00'.repeat(16) }, 'trace id is all zeros'],
    [{ spanId: '' }, 'span id of 0 bytes, expected 8'],
    [{ spanId: '01'.repeat(9) }, 'span id of 9 bytes, expected 8'],
    [{ spanId: '00'.repeat(8) }, 'span id is all zeros'],
    [{ parentSpanId: '01'.repeat(7) }, 'parent span id of 7 bytes, expected 8 or none'],
  ])('refuses one span with %j and keeps its neighbours', (bad, reason) => {
    const walked = walkTracesRequest(
      anOtlpRequest({ spans: [{ spanId: '01'.repeat(8) }, bad, { spanId: '03'.repeat(8) }] }),
    );
    expect(walked.refused).toEqual([{ position: 1, reason }]);
    expect(walked.spanCount).toBe(2);
    const ids = walked.traces.flatMap(({ tracesData }) =>
      decodeTracesData(tracesData()).map(({ span }) => span.spanId),
    );
    expect(ids).toEqual(['0101010101010101', '0303030303030303']);
  });

  test('takes a parent id of eight zero bytes as no parent', () => {
    const { traces, refused } = walkTracesRequest(anOtlpRequest({ spans: [{ parentSpanId: '00'.repeat(8) }] }));
    expect(refused).toEqual([]);
    expect(decodeTracesData(traces[0]?.tracesData() as Uint8Array)[0]?.span.parentSpanId).toBeUndefined();
  });

  test('keeps a span that ends before it starts', () => {
    const { spanCount } = walkTracesRequest(anOtlpRequest({ spans: [{ start: 2n, end: 1n }] }));
    expect(spanCount).toBe(1);
  });

  test('finds nothing in an empty body', () => {
    expect(walkTracesRequest(new Uint8Array())).toEqual({ traces: [], spanCount: 0, refused: [] });
  });

  test('refuses a body that ends anywhere before its end', () => {
    const body = anOtlpRequest({ spans: [{ attributes: { a: 'b' } }] });
    for (let length = 1; length < body.length; length++) {
      expect(() => walkTracesRequest(body.subarray(0, length)), `${length} bytes`).toThrow(MalformedOtlpError);
    }
  });

  test('answers random bytes with traces or MalformedOtlpError, never otherwise', () => {
    const body = anOtlpRequest({ spans: [{ attributes: { a: 'b' } }] });
    const damaged = fc.tuple(fc.nat(body.length - 1), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
      const copy = Uint8Array.from(body);
      copy[at] = byte;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        try {
          for (const { tracesData } of walkTracesRequest(bytes).traces) decodeTracesData(tracesData());
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedOtlpError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['spans', Buffer.concat([Buffer.from('0a858080081280808008', 'hex'), Buffer.alloc(2 ** 24, '1200', 'hex')])],
    ['resources', Buffer.alloc(2 ** 24, '0a00', 'hex')],
  ])('does not gather millions of empty %s', (_, body) => {
    expect(() => walkTracesRequest(body)).toThrow(BodyTooLargeError);
  });

  test('does not repeat a large resource for thousands of traces', () => {
    const spans = Array.from({ length: 3_000 }, (_, i) => ({ traceId: (i + 1).toString(16).padStart(32, '0') }));
    const many = (service: string) => () => walkTracesRequest(anOtlpRequest({ service, spans })).traces.length;
    expect(many('x'.repeat(80_000))()).toBe(3_000);
    expect(many('x'.repeat(100_000))).toThrow(BodyTooLargeError);
  });

  test('walks 33,000 spans of one trace', () => {
    const spans = Array.from({ length: 33_000 }, (_, i) => ({ spanId: (i + 1).toString(16).padStart(16, '0') }));
    const { traces, spanCount } = walkTracesRequest(anOtlpRequest({ spans }));
    expect([traces.length, spanCount]).toEqual([1, 33_000]);
  });
});

describe('describeRefused', () => {
  test('counts the spans of each reason, the commonest first', () => {
    const refused = ['a', 'b', 'b'].map((reason, position) => ({ position, reason }));
    expect(describeRefused(refused)).toBe('b (2 spans); a (1 span)');
  });

  test('stays short however many reasons there are', () => {
    const refused = Array.from({ length: 1000 }, (_, position) => ({ position, reason: `reason ${position}` }));
    expect(describeRefused(refused)).toMatch(/and 995 other reasons$/);
  });
});
