import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { otlpTraceCodec } from '../../../shared/adapters/otlp-trace-codec.ts';
import { archivedRows } from '../../../shared/contracts/archive-queries.ts';
import { spanRow, traceRow } from '../../../shared/contracts/archive-rows.ts';
import { encodeTracesData } from '../../../shared/contracts/otlp/encode-spans.ts';
import { otlpJsonToProtobuf } from '../../../shared/contracts/otlp/from-json.ts';
import { deriveSpanFacts } from '../../../shared/domain/facts/derive-span-facts.ts';
import { deriveTraceFacts } from '../../../shared/domain/facts/derive-trace-facts.ts';
import { toScorableTrace } from '../../../shared/domain/facts/scorable.ts';
import { type BlockSpan, readSpans } from '../../../shared/domain/indexing/block.ts';
import type { AttributeValue, Span } from '../../../shared/domain/span.ts';
import { ArchiveTables } from '../../support/archive-tables.ts';
import { aSpan } from '../../support/builders/a-span.ts';
import { traceIdOf } from '../../support/in-memory/bodies.ts';
import { hasSharedData, sharedRequests } from '../../support/shared-data.ts';

let tables: ArchiveTables;
beforeAll(async () => {
  tables = await ArchiveTables.open();
});
beforeEach(() => tables.clear());
afterAll(() => tables.close());

const day = '2026-03-04';
const sql = archivedRows('assay', {
  range: { experimentId: '7', from: 0, to: 4_000_000_000_000 },
  rows: { firstDay: day, lastDay: day },
  scorers: [{ name: 'all', version: 1, sampleRate: 1 }],
  buckets: 7,
});

/** Spans by trace, through the archive and back. */
async function restored(
  traces: ReadonlyMap<string, readonly BlockSpan[]>,
): Promise<ReadonlyMap<string, readonly Span[]>> {
  for (const [traceId, spans] of traces) {
    const info = { traceId, experimentId: '7', facts: deriveTraceFacts(spans), blocks: [], revision: 1 };
    await tables.add('traces', [traceRow({ ...info, completeness: 'complete', lastArrivalAt: 0 }, 0)], day);
  }
  const all = [...traces.values()].flat();
  await tables.add(
    'spans',
    all.map((span) => spanRow({ ...span, experimentId: '7', isForeign: false })),
    day,
  );
  const found = await tables.traces(sql);
  return new Map(
    found.map(({ traceId, spans }) => {
      const tracesData = otlpTraceCodec.merge([encodeTracesData(spans)]);
      return [traceId, readSpans(tracesData, otlpTraceCodec).map(({ span }) => span)];
    }),
  );
}

function scorable(traceId: string, spans: readonly Span[]) {
  const withFacts = spans.map((span) => ({ span, facts: deriveSpanFacts(span) }));
  const info = { traceId, experimentId: '7', facts: deriveTraceFacts(withFacts) };
  return toScorableTrace({ info, spans: withFacts, assessments: [] });
}

describe.skipIf(!hasSharedData)('traces of real agents that come back from the archive', () => {
  it.each(hasSharedData ? sharedRequests() : [])('of $file are what scorers saw', async ({ requests }) => {
    const spans = requests.flatMap((request) => {
      const { body } = otlpJsonToProtobuf(JSON.stringify(request));
      return readSpans(body, otlpTraceCodec);
    });
    const byTrace = Map.groupBy(spans, ({ span }) => `tr-${span.traceId}`);
    // As they are stored: each span once.
    const stored = new Map(
      [...byTrace].map(([id, own]) => [id, [...new Map(own.map((one) => [one.span.spanId, one])).values()]]),
    );
    const back = await restored(stored);
    expect(back.size).toBe(stored.size);
    for (const [id, own] of stored)
      expect(scorable(id, back.get(id) ?? [])).toEqual(
        scorable(
          id,
          own.map(({ span }) => span),
        ),
      );
  });
});

/** Values that JSON has words for. */
const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((n) => !Number.isSafeInteger(Number(n))),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const attributes = fc.dictionary(
  fc.oneof(
    fc.constantFrom('input.value', 'output.value', 'mlflow.spanInputs', 'gen_ai.prompt', '__proto__x'),
    fc.string(),
  ),
  value,
  { maxKeys: 5, noNullPrototype: true },
);
const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
    .filter((id) => /[^0]/.test(id));
const nanos = fc.bigInt({ min: 1n, max: 4_000_000_000_000_000_000n });
const text = fc.string({ unit: 'grapheme' });
const span = fc.record({
  spanId: hex(16),
  name: text,
  kind: fc.integer({ min: 0, max: 5 }),
  startTimeUnixNano: nanos,
  endTimeUnixNano: fc.oneof(fc.constant(0n), nanos),
  attributes,
  events: fc.array(fc.record({ timeUnixNano: nanos, name: text, attributes }), { maxLength: 2 }),
  links: fc.array(fc.record({ traceId: hex(32), spanId: hex(16), attributes }), { maxLength: 2 }),
  status: fc.record({ code: fc.constantFrom('UNSET', 'OK', 'ERROR'), message: text }),
  resource: fc.record({ attributes }),
  scope: fc.record({ name: text, version: text }),
});

describe('a span', () => {
  const decoded = (spans: readonly Span[]) => otlpTraceCodec.decode(otlpTraceCodec.merge([encodeTracesData(spans)]));

  it('is what its bytes say', () => {
    fc.assert(
      fc.property(span, hex(16), (given, parentSpanId) => {
        const spans = [aSpan({ ...(given as Partial<Span>), parentSpanId, traceState: 'a=b' })];
        expect(decoded(spans).map((one) => one.span)).toEqual(spans);
      }),
    );
  });

  it('comes back from the archive as it was', async () => {
    const some = fc.uniqueArray(span, { selector: ({ spanId }) => spanId, minLength: 1, maxLength: 5 });
    // A round through the archive takes a second or two: many traces share one.
    const many = fc.array(some, { minLength: 15, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(many, async (given) => {
        await tables.clear();
        const traces = given.map((spans, n) => {
          const traceId = traceIdOf(n);
          const ofTrace = spans.map((one) => aSpan({ ...(one as Partial<Span>), traceId, traceState: 'a=b' }));
          const facts = decoded(ofTrace).map((one) => ({ ...one, facts: deriveSpanFacts(one.span) }));
          return [`tr-${traceId}`, facts] as const;
        });
        const back = await restored(new Map(traces));
        for (const [id, facts] of traces) expect(back.get(id)).toEqual(facts.map((one) => one.span));
      }),
      { numRuns: 3 },
    );
  });

  it('of which there are two versions comes back as the one that ended later, then the larger', async () => {
    const versions = [
      { span: aSpan({ name: 'early', endTimeUnixNano: 10n }), sizeBytes: 999 },
      { span: aSpan({ name: 'late', endTimeUnixNano: 20n }), sizeBytes: 1 },
      { span: aSpan({ name: 'late and large', endTimeUnixNano: 20n }), sizeBytes: 2 },
    ].map((one) => ({ ...one, facts: deriveSpanFacts(one.span) }));
    const id = `tr-${aSpan().traceId}`;
    const back = await restored(new Map([[id, versions]]));
    expect(back.get(id)?.map(({ name }) => name)).toEqual(['late and large']);
  });
});
