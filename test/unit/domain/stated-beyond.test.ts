import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statedBeyond, withExplicit } from '../../../shared/domain/explicit-facts.ts';
import { aTraceInfo } from '../../support/builders/a-trace-info.ts';

const texts = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { noNullPrototype: true });
const said = fc.record(
  {
    requestTime: fc.nat(),
    durationMs: fc.nat(),
    state: fc.constantFrom('OK' as const, 'ERROR' as const, 'IN_PROGRESS' as const),
    requestPreview: fc.string(),
    clientRequestId: fc.string(),
    tokens: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat(), totalTokens: fc.nat() }),
    linkedRuns: fc.array(fc.string(), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

describe('what must have been said of a trace beside its spans', () => {
  it('gives the facts again, put over those of the spans', () => {
    fc.assert(
      fc.property(said, texts, texts, texts, texts, (statement, ownTags, tags, ownMetadata, metadata) => {
        const derived = { ...aTraceInfo().facts, tags: ownTags, metadata: ownMetadata };
        const facts = { ...derived, ...statement, tags, metadata: { ...ownMetadata, ...metadata } };
        const explicit = statedBeyond(derived, facts);
        expect(withExplicit(derived, { facts, ...(explicit && { explicit }) })).toEqual(facts);
      }),
    );
  });

  it('is nothing where the facts follow from the spans', () => {
    const { facts } = aTraceInfo({ facts: { tags: { a: '1' }, metadata: { b: '2' } } });
    expect(statedBeyond(facts, structuredClone(facts))).toBeUndefined();
  });
});
