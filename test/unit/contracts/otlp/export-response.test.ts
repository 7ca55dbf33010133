import { PbfReader } from 'pbf';
import { describe, expect, test } from 'vitest';
import { errorStatus, exportResponse } from '../../../../shared/contracts/otlp/export-response.ts';

const refused = [
  { position: 0, reason: 'span id is all zeros' },
  { position: 4, reason: 'span id is all zeros' },
];

/** Field numbers and values of a message of numbers and strings, or of messages where `nested` names them. */
function fieldsOf(bytes: Uint8Array, nested: readonly number[] = []): Record<number, unknown> {
  return new PbfReader(bytes).readFields((field, fields: Record<number, unknown>, reader) => {
    if (nested.includes(field)) fields[field] = fieldsOf(reader.readBytes());
    else fields[field] = reader.type === 0 ? reader.readVarint() : reader.readString();
  }, {});
}

describe('exportResponse', () => {
  test('is the empty message where everything was accepted', () => {
    expect(exportResponse('protobuf', [])).toMatchObject({
      contentType: 'application/x-protobuf',
      body: { length: 0 },
    });
    const json = exportResponse('json', []);
    expect([json.contentType, Buffer.from(json.body).toString()]).toEqual(['application/json', '{}']);
  });

  test('says in protobuf how many spans were refused and why', () => {
    const fields = fieldsOf(exportResponse('protobuf', refused).body, [1]);
    expect(fields).toEqual({ 1: { 1: 2, 2: 'span id is all zeros (2 spans)' } });
  });

  test('says in JSON how many spans were refused and why, the count as a string', () => {
    expect(JSON.parse(Buffer.from(exportResponse('json', refused).body).toString())).toEqual({
      partialSuccess: { rejectedSpans: '2', errorMessage: 'span id is all zeros (2 spans)' },
    });
  });
});

test('errorStatus is a google.rpc.Status in either format', () => {
  const status = { code: 3, message: 'what to do – now' };
  expect(fieldsOf(errorStatus('protobuf', status).body)).toEqual({ 1: 3, 2: 'what to do – now' });
  expect(JSON.parse(Buffer.from(errorStatus('json', status).body).toString())).toEqual(status);
});
