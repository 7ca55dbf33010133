import { expect, test } from 'vitest';
import { mean, percentile } from '../../../demo/page/statistics.ts';

const oneToTwenty = Array.from({ length: 20 }, (_, i) => 20 - i);

test.each([
  [oneToTwenty, 0.5, 10],
  [oneToTwenty, 0.95, 19],
  [oneToTwenty, 1, 20],
  [[7], 0.5, 7],
  [[1, 100], 0.5, 1],
])('the percentile is a value that was measured: %j at %d is %d', (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});

test('nothing measured has no statistics', () => {
  expect(() => percentile([], 0.5)).toThrow('no values');
  expect(() => mean([])).toThrow('no values');
});
