import { describe, expect, it } from 'vitest';
import { correlateFilters } from '../../../../shared/domain/metrics/correlate-filters.ts';
import { npmiOf } from '../../../../shared/domain/metrics/npmi.ts';
import { readingLimits } from '../../../../shared/domain/metrics/reading-budget.ts';
import { aSpan } from '../../../support/builders/a-span.ts';
import { aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../../support/builders/an-assessment.ts';
import { aRange } from './a-range.ts';

const query = { experimentIds: ['7'], filter1: "status = 'ERROR'", filter2: "name = 'agent'" };

describe('the correlation of two filters', () => {
  it('reads spans only of the traces that cannot be decided without them', async () => {
    const infos = [aTraceInfo({ facts: { name: 'agent' } }), ...Array.from({ length: 20 }, () => aTraceInfo())];
    const range = aRange(infos, { spans: [aSpan({ name: 'llm' })] });
    const filter2 = "name = 'agent' AND span.name = 'llm'";
    expect(await correlateFilters({ ...query, filter2 }, range.deps)).toMatchObject({ filter2: 1, total: 21 });
    expect(range.asked).toEqual({ blocks: 1, assessments: 0 });
  });

  it('reads no further than the base filter says', async () => {
    const infos = Array.from({ length: 30 }, (_, i) =>
      aTraceInfo({ assessmentIds: ['a-1'], facts: { requestTime: noon + i } }),
    );
    const range = aRange(infos, { assessments: [anAssessment({ name: 'good', value: 'yes' })] });
    const base = `timestamp_ms >= ${noon + 10} AND timestamp_ms < ${noon + 15}`;
    const found = await correlateFilters({ ...query, filter1: "feedback.good = 'yes'", base }, range.deps);
    expect(found).toMatchObject({ filter1: 5, total: 5 });
    expect(range.asked.assessments).toBeLessThanOrEqual(6);
  });

  it.each([
    ['assessments', "feedback.good = 'yes'", readingLimits.assessments],
    ['spans', "span.name = 'llm'", readingLimits.spans],
  ])('of more traces than %s can be read of is refused, and says what to do', async (what, filter1, limit) => {
    const infos = Array.from({ length: limit + 1 }, () => aTraceInfo({ assessmentIds: ['a-1'] }));
    const found = correlateFilters({ ...query, filter1 }, aRange(infos, { spans: [aSpan()] }).deps);
    await expect(found).rejects.toThrow(`more traces whose ${what} must be read than can be answered`);
    await expect(found).rejects.toThrow('Narrow timestamp_ms in base_filter, or ask the archive by SQL');
  });

  it('is not defined where there is nothing, or a filter matches nothing', async () => {
    expect(await correlateFilters(query, aRange([]).deps)).toEqual({ filter1: 0, filter2: 0, joint: 0, total: 0 });
    expect(npmiOf({ filter1: 3, filter2: 0, joint: 0, total: 9 })).toBeUndefined();
  });
});
