import fc from 'fast-check';
import { expect, test } from 'vitest';
import { publishedCoordinate } from '../../../demo/sampling.ts';
import { samplingCoordinate } from '../../../shared/domain/sampling.ts';

test.each([
  ['tr-00000000000000000000000000000001', 0.7902237735792311],
  ['tr-0af7651916cd43dd8448eb211c80319c', 0.3471233801359307],
  ['session-42', 0.9844038394614609],
])("the demo's own sampling function gives %s the published coordinate", (id, u) => {
  expect(publishedCoordinate(id)).toBe(u);
});

test('written twice, the sampling function says the same of any id', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (id) => {
      expect(publishedCoordinate(id)).toBe(samplingCoordinate(id));
    }),
  );
});
