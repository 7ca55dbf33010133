import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BodyTooLargeError } from '../../../../shared/contracts/otlp/body-too-large-error.ts';
import { decodeTracesData } from '../../../../shared/contracts/otlp/decode-spans.ts';
import { otlpJsonToProtobuf } from '../../../../shared/contracts/otlp/from-json.ts';
import { MalformedOtlpError } from '../../../../shared/contracts/otlp/malformed-otlp-error.ts';
import { walkTracesRequest } from '../../../../shared/contracts/otlp/walk-request.ts';
import type { AttributeValue, Span } from '../../../../shared/domain/span.ts';
import { traceA, traceB } from '../../../support/an-otlp-request.ts';

const valid = { traceId: traceA, spanId: '00f067aa0ba902b7' };

function requestOf(...spans: readonly unknown[]): string {
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

function decodeSpan(span: object): Span {
  const { body, refused } = otlpJsonToProtobuf(requestOf({ ...valid, ...span }));
  expect(refused).toEqual([]);
  return decodeTracesData(body)[0]?.span as Span;
}

function decodeValue(value: unknown): AttributeValue | undefined {
  return decodeSpan({ attributes: [{ key: 'x', value }] }).attributes.x;
}

describe('otlpJsonToProtobuf', () => {
  test('keeps everything of a request', () => {
    const text = JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'agent' } }] },
          schemaUrl: 'https://example.com/1',
          scopeSpans: [
            {
              scope: { name: 'sdk', version: '1.2' },
              spans: [
                {
                  ...valid,
                  traceId: traceA.toUpperCase(),
                  parentSpanId: '0303030303030303',
                  traceState: 'a=1',
                  name: 'chat',
                  kind: 'SPAN_KIND_CLIENT',
                  startTimeUnixNano: '1700000000000000001',
                  endTimeUnixNano: '18446744073709551615',
                  attributes: [{ key: 'n', value: { intValue: '-9223372036854775808' } }],
                  events: [{ name: 'e', timeUnixNano: 7, attributes: [{ key: 'k', value: { boolValue: false } }] }],
                  links: [{ traceId: traceB, spanId: '0202020202020202', attributes: [{ key: 'l', value: {} }] }],
                  status: { code: 'STATUS_CODE_ERROR', message: 'boom' },
                  ofTheFuture: { ignored: true },
                },
              ],
            },
          ],
        },
      ],
    });
    const { body, refused } = otlpJsonToProtobuf(text);
    expect(refused).toEqual([]);
    expect(decodeTracesData(body).map(({ span }) => span)).toEqual([
      {
        traceId: traceA,
        spanId: '00f067aa0ba902b7',
        parentSpanId: '0303030303030303',
        traceState: 'a=1',
        name: 'chat',
        kind: 3,
        startTimeUnixNano: 1700000000000000001n,
        endTimeUnixNano: 2n ** 64n - 1n,
        attributes: { n: -(2n ** 63n) },
        events: [{ name: 'e', timeUnixNano: 7n, attributes: { k: false } }],
        links: [{ traceId: traceB, spanId: '0202020202020202', attributes: { l: null } }],
        status: { code: 'ERROR', message: 'boom' },
        resource: { attributes: { 'service.name': 'agent' } },
        scope: { name: 'sdk', version: '1.2' },
      },
    ]);
    expect(Buffer.from(body).includes('https://example.com/1')).toBe(true);
  });

  test('keeps any value of an attribute', () => {
    const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.string({ unit: 'binary' }),
        fc.maxSafeInteger(),
        fc
          .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
          .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
        fc.double().filter((n) => !Number.isInteger(n)),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array(),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (expected) => {
        expect(decodeValue(toJsonValue(expected))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('accepts the original names of the fields and numbers for enums', () => {
    const span = { trace_id: traceA, span_id: valid.spanId, start_time_unix_nano: '5', kind: 5, status: { code: 1 } };
    const { body } = otlpJsonToProtobuf(JSON.stringify({ resource_spans: [{ scope_spans: [{ spans: [span] }] }] }));
    expect(decodeTracesData(body)[0]?.span).toMatchObject({ startTimeUnixNano: 5n, kind: 5, status: { code: 'OK' } });
  });

  test.each([
    ['as a number', '1700000000000000001'],
    ['as a number after white space', ' \n1700000000000000001'],
    ['as a string', '"1700000000000000001"'],
  ])('reads nanoseconds %s exactly', (_, literal) => {
    const text = requestOf(valid).replace('"spanId"', `"startTimeUnixNano":${literal},"spanId"`);
    expect(decodeTracesData(otlpJsonToProtobuf(text).body)[0]?.span.startTimeUnixNano).toBe(1700000000000000001n);
  });

  test.each<[unknown, AttributeValue]>([
    [{ intValue: 12 }, 12],
    [{ doubleValue: 'NaN' }, Number.NaN],
    [{ doubleValue: '-Infinity' }, Number.NEGATIVE_INFINITY],
    [{ doubleValue: '1.5e3' }, 1500],
    [{ bytesValue: 'AP8' }, Uint8Array.of(0, 255)],
    [{ bytes_value: '-_8=' }, Uint8Array.of(0xfb, 0xff)],
    [{ stringValue: null, int_value: '3' }, 3],
    [{ arrayValue: {} }, []],
    [{ stringValue: 'lone \ud800 surrogate' }, 'lone \ufffd surrogate'],
  ])('reads the value %j', (value, expected) => {
    expect(decodeValue(value)).toEqual(expected);
  });

  test('replaces what lies deeper than 256 levels, however deep', () => {
    const nested = (levels: number) =>
      requestOf({ ...valid, attributes: [{ key: 'x', value: 'HERE' }] }).replace(
        '"HERE"',
        `${'{"arrayValue":{"values":['.repeat(levels)}{"stringValue":"bottom"}${']}}'.repeat(levels)}`,
      );
    const bottom = (levels: number) =>
      JSON.stringify(decodeTracesData(otlpJsonToProtobuf(nested(levels)).body)[0]?.span.attributes.x).replace(
        /[[\]]+/g,
        ' ',
      );
    expect(bottom(200)).toBe(' "bottom" ');
    expect(bottom(256)).toBe(' "bottom" ');
    expect(bottom(257)).toBe(' " nested deeper than 256 levels " ');
    expect(bottom(50_000)).toBe(' " nested deeper than 256 levels " ');
  });

  test.each([
    ['an id that is base64', { ...valid, traceId: 'CvdlGRbNQ92ESOshHIAxnA==' }, 'trace id is not hexadecimal'],
    ['an id of an odd number of digits', { ...valid, spanId: 'abc' }, 'span id is not hexadecimal'],
    ['a short id', { ...valid, spanId: 'abcd' }, 'span id of 2 bytes, expected 8'],
    ['a zero id', { ...valid, traceId: '0'.repeat(32) }, 'trace id is all zeros'],
    ['no ids', {}, 'trace id of 0 bytes, expected 16'],
    ['a name that is a number', { ...valid, name: 3 }, 'name, message or trace state is a number, expected a string'],
    ['a time before 1970', { ...valid, startTimeUnixNano: '-1' }, 'time is -1, expected 0 to 2^64 - 1'],
    ['a time that is no number', { ...valid, endTimeUnixNano: 'now' }, 'time is a string, expected a whole number'],
    [
      'a kind that OTLP does not have',
      { ...valid, kind: 'CLIENT' },
      /^kind is a string, expected a number or one of SPAN_KIND_/,
    ],
    [
      'an int that is none',
      { ...valid, attributes: [{ key: 'a', value: { intValue: '1.5' } }] },
      /^intValue is a string/,
    ],
    ['attributes that are a map', { ...valid, attributes: { a: 1 } }, 'attributes is an object, expected an array'],
    ['text in place of a span', 'span', 'span is a string, expected an object'],
  ])('refuses a span with %s and keeps its neighbours', (_, bad, reason) => {
    const { body, refused } = otlpJsonToProtobuf(requestOf(valid, bad, { ...valid, spanId: '02'.repeat(8) }));
    expect(refused).toEqual([
      { position: 1, reason: typeof reason === 'string' ? reason : expect.stringMatching(reason) },
    ]);
    expect(walkTracesRequest(body)).toMatchObject({ spanCount: 2, refused: [] });
  });

  test.each([
    ['no JSON', '{"resourceSpans": [', /^body is not JSON/],
    ['an empty text', '', /^body is not JSON/],
    ['a list', '[]', 'the body is an array, expected an object'],
    ['null', 'null', 'the body is absent, expected an object'],
    ['other JSON', '{"hello":"world"}', 'resourceSpans is absent, expected an array'],
    ['logs', '{"resourceLogs":[]}', 'resourceSpans is absent, expected an array'],
    ['resourceSpans that are an object', '{"resourceSpans":{}}', 'resourceSpans is an object, expected an array'],
    ['scopeSpans that are text', '{"resourceSpans":[{"scopeSpans":"x"}]}', 'scopeSpans is a string, expected an array'],
    ['a resource that is a list', '{"resourceSpans":[{"resource":[]}]}', 'resource is an array, expected an object'],
  ])('says of %s that it is not a request', (_, text, message) => {
    expect(() => otlpJsonToProtobuf(text)).toThrow(MalformedOtlpError);
    expect(() => otlpJsonToProtobuf(text)).toThrow(message);
  });

  test('does not gather millions of things that are no spans', () => {
    const text = requestOf('HERE').replace('"HERE"', Array.from({ length: 200_001 }, () => 0).join());
    expect(() => otlpJsonToProtobuf(text)).toThrow(BodyTooLargeError);
  });

  test.each(['{}', '{"resourceSpans":[]}'])('takes %s as an empty request', (text) => {
    expect(walkTracesRequest(otlpJsonToProtobuf(text).body).spanCount).toBe(0);
  });
});

/** OTLP's JSON for a value. */
function toJsonValue(value: AttributeValue): unknown {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint' || Number.isInteger(value)) return { intValue: String(value) };
  if (typeof value === 'number') return { doubleValue: Number.isFinite(value) ? value : String(value) };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toJsonValue) } };
  return { kvlistValue: { values: Object.entries(value).map(([key, item]) => ({ key, value: toJsonValue(item) })) } };
}
