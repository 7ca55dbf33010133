import { describe, expect, test } from 'vitest';
import { decodeTracesData } from '../../../../shared/contracts/otlp/decode-spans.ts';
import type { AttributeValue } from '../../../../shared/domain/span.ts';
import { anOtlpRequest, keyValue, stringAttribute, traceA, traceB, write } from '../../../support/an-otlp-request.ts';

/** The attribute `x` of a span, after it came over the wire as this AnyValue. */
function decodeValue(anyValue: Uint8Array): AttributeValue | undefined {
  const extra = write((writer) => writer.writeBytesField(9, keyValue('x', anyValue)));
  return decodeTracesData(anOtlpRequest({ spans: [{ extra }] }))[0]?.span.attributes.x;
}

describe('decodeTracesData', () => {
  test('reads a span with its resource and scope', () => {
    const event = write((writer) => {
      writer.writeStringField(2, 'exception');
      writer.writeBytesField(3, stringAttribute('exception.type', 'ValueError'));
    });
    const link = write((writer) => {
      writer.writeBytesField(1, Buffer.from(traceB, 'hex'));
      writer.writeBytesField(2, Buffer.from('0202020202020202', 'hex'));
    });
    const status = write((writer) => {
      writer.writeStringField(2, 'boom');
      writer.writeVarintField(3, 2);
    });
    const extra = write((writer) => {
      writer.writeStringField(3, 'vendor=1');
      writer.writeVarintField(6, 3);
      writer.writeBytesField(11, event);
      writer.writeBytesField(13, link);
      writer.writeBytesField(15, status);
    });
    const span = {
      parentSpanId: '0303030303030303',
      name: 'chat gpt',
      start: 2n ** 63n,
      end: 5n,
      attributes: { a: 'ä' },
      extra,
    };
    const [decoded] = decodeTracesData(anOtlpRequest({ service: 'agent', scope: 'sdk', spans: [span] }));
    expect(decoded?.span).toEqual({
      traceId: traceA,
      spanId: '00f067aa0ba902b7',
      parentSpanId: '0303030303030303',
      name: 'chat gpt',
      kind: 3,
      startTimeUnixNano: 2n ** 63n,
      endTimeUnixNano: 5n,
      attributes: { a: 'ä' },
      events: [{ timeUnixNano: 0n, name: 'exception', attributes: { 'exception.type': 'ValueError' } }],
      links: [{ traceId: traceB, spanId: '0202020202020202', attributes: {} }],
      status: { code: 'ERROR', message: 'boom' },
      traceState: 'vendor=1',
      resource: { attributes: { 'service.name': 'agent' } },
      scope: { name: 'sdk', version: '' },
    });
  });

  test('tells the size of a span on the wire', () => {
    const size = (text: string) => decodeTracesData(anOtlpRequest({ spans: [{ name: text }] }))[0]?.sizeBytes ?? 0;
    expect(size('abcde') - size('a')).toBe(4);
  });

  test.each<[string, Uint8Array, AttributeValue]>([
    ['an empty AnyValue as null', write(() => {}), null],
    ['a NUL in text as it is', write((writer) => writer.writeStringField(1, 'a\0b')), 'a\0b'],
    [
      'a byte order mark as it is',
      write((writer) => writer.writeStringField(1, '\ufeffhello, long text')),
      '\ufeffhello, long text',
    ],
    ['invalid UTF-8 as U+FFFD', write((writer) => writer.writeBytesField(1, Buffer.from('61ff62', 'hex'))), 'a\ufffdb'],
    ['true', write((writer) => writer.writeBooleanField(2, true)), true],
    ['a small integer', write((writer) => writer.writeVarintField(3, 300)), 300],
    ['a negative integer', write((writer) => writer.writeVarintField(3, -7)), -7],
    ['an integer of 2^31', write((writer) => writer.writeVarintField(3, 2 ** 31)), 2 ** 31],
    ['a large integer as bigint', Buffer.from('18ffffffffffffffff7f', 'hex'), 2n ** 63n - 1n],
    ['a double', write((writer) => writer.writeDoubleField(4, 0.1)), 0.1],
    ['bytes', write((writer) => writer.writeBytesField(7, Buffer.from('00ff', 'hex'))), Uint8Array.of(0, 255)],
    ['an empty list', write((writer) => writer.writeBytesField(5, new Uint8Array())), []],
    ['an empty map', write((writer) => writer.writeBytesField(6, new Uint8Array())), {}],
  ])('decodes %s', (_, anyValue, expected) => {
    expect(decodeValue(anyValue)).toEqual(expected);
  });

  test('keeps an attribute called __proto__ as an attribute', () => {
    const extra = write((writer) => writer.writeBytesField(9, stringAttribute('__proto__', 'x')));
    const attributes = decodeTracesData(anOtlpRequest({ spans: [{ extra }] }))[0]?.span.attributes ?? {};
    expect(Object.entries(attributes)).toEqual([['__proto__', 'x']]);
  });

  test.each([
    ['lists', 5, (value: Uint8Array) => write((writer) => writer.writeBytesField(1, value))],
    ['maps', 6, (value: Uint8Array) => write((writer) => writer.writeBytesField(1, keyValue('k', value)))],
  ])('keeps 256 levels of %s and replaces what lies deeper by a marker', (_, field, wrap) => {
    const nested = (levels: number) => {
      let value = write((writer) => writer.writeStringField(1, 'bottom'));
      for (let i = 0; i < levels; i++) {
        const content = wrap(value);
        value = write((writer) => writer.writeBytesField(field, content));
      }
      return value;
    };
    expect(bottomOf(decodeValue(nested(200)))).toEqual({ levels: 200, bottom: 'bottom' });
    expect(bottomOf(decodeValue(nested(256)))).toEqual({ levels: 256, bottom: 'bottom' });
    expect(bottomOf(decodeValue(nested(257)))).toEqual({ levels: 256, bottom: '[nested deeper than 256 levels]' });
    expect(bottomOf(decodeValue(nested(5_000)))).toEqual({ levels: 256, bottom: '[nested deeper than 256 levels]' });
  });

  test('marks an attribute whose bytes are not protobuf and keeps its neighbours', () => {
    const extra = write((writer) => {
      // A string that claims 127 bytes where there are 2.
      writer.writeBytesField(9, keyValue('bad', Buffer.from('0a7f6869', 'hex')));
      writer.writeBytesField(9, stringAttribute('good', 'yes'));
    });
    const [decoded] = decodeTracesData(anOtlpRequest({ spans: [{ extra }, {}] }));
    expect(decoded?.span.attributes).toEqual({ bad: '[malformed value]', good: 'yes' });
  });

  test('keeps the rest of a span whose event breaks off', () => {
    const extra = write((writer) => {
      writer.writeBytesField(11, Buffer.from('120568656c6c6f1a7f', 'hex'));
      writer.writeStringField(3, 'after=1');
    });
    const [decoded] = decodeTracesData(anOtlpRequest({ spans: [{ extra }] }));
    expect(decoded?.span.events).toEqual([{ timeUnixNano: 0n, name: 'hello', attributes: {} }]);
    expect(decoded?.span.traceState).toBe('after=1');
  });
});

function bottomOf(value: AttributeValue | undefined): { levels: number; bottom: unknown } {
  let [levels, current]: [number, unknown] = [0, value];
  for (; typeof current === 'object' && current !== null; levels++) current = Object.values(current)[0];
  return { levels, bottom: current };
}
