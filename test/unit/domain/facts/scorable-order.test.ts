import { expect, it } from 'vitest';
import { deriveTraceFacts } from '../../../../shared/domain/facts/derive-trace-facts.ts';
import { toScorableTrace } from '../../../../shared/domain/facts/scorable.ts';
import { aSpanWithFacts } from '../../../support/builders/a-span.ts';

it('shows scorers the spans that began at once in one order, however they came', () => {
  const said = (spanId: string) => ({ spanId, attributes: { 'output.value': spanId } });
  const spans = ['c', 'a', 'b'].map((digit) =>
    aSpanWithFacts({ ...said(digit.repeat(16)), parentSpanId: 'f'.repeat(16) }),
  );
  const seen = (order: typeof spans) =>
    toScorableTrace({
      info: { traceId: 'tr-1', experimentId: '0', facts: deriveTraceFacts(order) },
      spans: order,
      assessments: [],
    });
  const expected = seen(spans);
  expect(expected.spans.map(({ span }) => span.spanId[0])).toEqual(['a', 'b', 'c']);
  expect(seen(spans.toReversed())).toEqual(expected);
});
