import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { samplingBound, samplingCoordinate, samplingPrefix } from '../../../shared/domain/sampling.ts';

describe('the sampling coordinate', () => {
  /** Published: computed by Python's hashlib, and never to change. */
  test.each([
    ['tr-00000000000000000000000000000001', 0.7902237735792311],
    ['tr-0af7651916cd43dd8448eb211c80319c', 0.3471233801359307],
    ['tr-4bf92f3577b34da6a3ce929d0e0e4736', 0.3058238143293207],
    ['tr-ffffffffffffffffffffffffffffffff', 0.778669034002105],
    ['session-42', 0.9844038394614609],
    ['', 0.8498220371952573],
  ])('of %s is %d', (id, u) => {
    expect(samplingCoordinate(id)).toBe(u);
  });

  test('is below a rate just where its hash sorts before the bound of the rate', () => {
    const rates = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.1, 0.5, 1 - 2 ** -53, 1));
    fc.assert(
      fc.property(fc.string(), rates, (id, rate) => {
        const hash = createHash('sha256').update(samplingPrefix).update(id).digest('hex').toUpperCase();
        const u = samplingCoordinate(id);
        // The rate itself, too, and its neighbour: there the bound is sharp.
        for (const one of [rate, u, u + 2 ** -53]) {
          const bound = samplingBound(one);
          expect(bound === undefined || hash < bound).toBe(u < one);
        }
      }),
    );
  });

  test('lies in [0, 1)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        const u = samplingCoordinate(id);
        expect(u).toBeGreaterThanOrEqual(0);
        expect(u).toBeLessThan(1);
      }),
    );
  });

  test('is spread evenly: every tenth of it takes a tenth of the traces', () => {
    const counts = new Array(10).fill(0);
    const traces = 20_000;
    for (let i = 0; i < traces; i += 1) {
      const id = `tr-${createHash('md5').update(String(i)).digest('hex')}`;
      counts[Math.floor(samplingCoordinate(id) * 10)] += 1;
    }
    // Five standard deviations of a binomial distribution: 5 × √(20,000 × 0.1 × 0.9) = 212.
    for (const count of counts) expect(Math.abs(count - traces / 10)).toBeLessThan(212);
  });
});
