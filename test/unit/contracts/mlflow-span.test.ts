import { describe, expect, it } from 'vitest';
import { mlflowSpans } from '../../../shared/contracts/mlflow-span.ts';
import { otlpJsonToProtobuf } from '../../../shared/contracts/otlp/from-json.ts';

const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

function read(span: object) {
  const request = {
    resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, name: 'n', startTimeUnixNano: '1', ...span }] }] }],
  };
  const [found] = mlflowSpans(otlpJsonToProtobuf(JSON.stringify(request)).body);
  return found as Record<string, unknown> & { attributes: { key: string; value: unknown }[] };
}

function readValue(value: object): unknown {
  return read({ attributes: [{ key: 'a', value }] }).attributes[0]?.value;
}

describe('a span as MLflow’s clients read it', () => {
  it('has ids in base64, exact times, and no parent where there is none', () => {
    const span = read({ startTimeUnixNano: '1795223374621428728', endTimeUnixNano: '18446744073709551615' });
    expect(span).toMatchObject({
      trace_id: 'CvdlGRbNQ92ESOshHIAxnA==',
      span_id: 't61rcWkgMzE=',
      start_time_unix_nano: '1795223374621428728',
      end_time_unix_nano: '18446744073709551615',
      status: { code: 'STATUS_CODE_UNSET' },
    });
    expect(span).not.toHaveProperty('parent_span_id');
    expect(read({ parentSpanId: '0000000000000000' })).not.toHaveProperty('parent_span_id');
  });

  it.each([
    ['an int', { intValue: '9007199254740993' }, { int_value: '9007199254740993' }],
    ['a double that is whole', { doubleValue: 3 }, { double_value: 3 }],
    ['a boolean', { boolValue: false }, { bool_value: false }],
    ['nothing', {}, {}],
    ['bytes', { bytesValue: 'AAE=' }, { bytes_value: 'AAE=' }],
    ['a plain text', { stringValue: 'hello' }, { string_value: 'hello' }],
    ['a text that is a number', { stringValue: '0042' }, { string_value: '0042' }],
    ['a text that only looks like JSON', { stringValue: '{not json' }, { string_value: '{not json' }],
    ['a quoted text', { stringValue: '"AGENT"' }, { string_value: 'AGENT' }],
    [
      'JSON of a map',
      { stringValue: '{"q":1,"r":[null,1.5,"x"]}' },
      {
        kvlist_value: {
          values: [
            { key: 'q', value: { int_value: '1' } },
            { key: 'r', value: { array_value: { values: [{}, { double_value: 1.5 }, { string_value: 'x' }] } } },
          ],
        },
      },
    ],
    [
      'a map whose member is JSON text, which stays text',
      { kvlistValue: { values: [{ key: 'k', value: { stringValue: '{"a":1}' } }] } },
      { kvlist_value: { values: [{ key: 'k', value: { string_value: '{"a":1}' } }] } },
    ],
  ])('keeps %s', (_, value, expected) => {
    expect(readValue(value)).toEqual(expected);
  });

  it('has its status, events and links', () => {
    const span = read({
      status: { code: 2, message: 'boom' },
      events: [
        {
          name: 'exception',
          timeUnixNano: '7',
          attributes: [{ key: 'exception.message', value: { stringValue: '{"a":1}' } }],
        },
      ],
      links: [{ traceId: ids.traceId, spanId: ids.spanId }],
    });
    expect(span).toMatchObject({
      status: { code: 'STATUS_CODE_ERROR', message: 'boom' },
      events: [
        {
          name: 'exception',
          time_unix_nano: '7',
          attributes: [{ key: 'exception.message', value: { string_value: '{"a":1}' } }],
        },
      ],
      links: [{ trace_id: 'CvdlGRbNQ92ESOshHIAxnA==', span_id: 't61rcWkgMzE=' }],
    });
  });
});
