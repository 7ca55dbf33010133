import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitDocuments } from '../../../local/services/json-documents.ts';

it('splits a record into the objects it was put together from', () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), (objects) => {
      const record = objects.map((object) => JSON.stringify(object)).join('');
      const { documents, rest } = splitDocuments(record);
      expect([documents.map((text) => JSON.parse(text)), rest]).toEqual([JSON.parse(JSON.stringify(objects)), '']);
    }),
  );
});

it('answers what is no object as the rest', () => {
  expect(splitDocuments('{"a":1}{"b":')).toEqual({ documents: ['{"a":1}'], rest: '{"b":' });
});
