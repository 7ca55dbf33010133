import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricsQuery } from '../../../../shared/domain/metrics/metrics-query.ts';
import { queryMetrics } from '../../../../shared/domain/metrics/query-metrics.ts';
import { readingLimits } from '../../../../shared/domain/metrics/reading-budget.ts';
import { aSpan } from '../../../support/builders/a-span.ts';
import { aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../../support/builders/an-assessment.ts';
import { aRange } from './a-range.ts';

function aQuery(given: Partial<MetricsQuery> = {}): MetricsQuery {
  return {
    experimentIds: ['7'],
    view: 'TRACES',
    metric: 'trace_count',
    aggregations: [{ type: 'COUNT' }],
    dimensions: [],
    filters: [],
    limit: 1_000,
    ...given,
  };
}

function tracesOf(count: number, facts: (i: number) => Parameters<typeof aTraceInfo>[0] = () => ({})) {
  return Array.from({ length: count }, (_, i) => aTraceInfo(facts(i)));
}

describe('a page of data points', () => {
  const infos = tracesOf(50, (i) => ({ facts: { name: `agent ${i % 7}`, requestTime: noon + i * 60_000 } }));

  it.each([1, 3, 7, 100])('of %d leads to the next until all were shown once, in order', async (limit) => {
    const query = aQuery({ dimensions: ['trace_name'], intervalSeconds: 600, from: noon, to: noon + 86_400_000 });
    const whole = await queryMetrics(query, aRange(infos).deps);
    const shown = [];
    let cursor: string | undefined;
    do {
      const page = await queryMetrics({ ...query, limit, cursor }, aRange(infos).deps);
      expect(page.points.length).toBeLessThanOrEqual(limit);
      shown.push(...page.points);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(shown).toEqual(whole.points);
    expect(whole.points.map(({ bucket }) => bucket)).toEqual(whole.points.map(({ bucket }) => bucket).toSorted());
  });

  it('is not shifted by a group that came up meanwhile', async () => {
    const query = aQuery({ dimensions: ['trace_name'], limit: 2 });
    const { cursor } = await queryMetrics(query, aRange(infos).deps);
    const more = [...infos, aTraceInfo({ facts: { name: 'aaa' } })];
    const { points } = await queryMetrics({ ...query, cursor }, aRange(more).deps);
    expect(points.map(({ dimensions }) => dimensions.trace_name)).toEqual(['agent 2', 'agent 3']);
  });

  it.each([
    'x',
    Buffer.from('{"after":["a","b"]}').toString('base64url'),
    Buffer.from('{"after":[1]}').toString('base64url'),
  ])('of a token that belongs to another query is refused: %s', async (cursor) => {
    const page = queryMetrics(aQuery({ dimensions: ['trace_name'], cursor }), aRange(infos).deps);
    await expect(page).rejects.toThrow('Invalid page token, could not base64-decode');
  });
});

describe('traces', () => {
  it('of which nothing has ended have no latency', async () => {
    const infos = [aTraceInfo(), aTraceInfo({ facts: { state: 'IN_PROGRESS', durationMs: 0 } })];
    const query = aQuery({ metric: 'latency', aggregations: [{ type: 'MIN' }] });
    expect((await queryMetrics(query, aRange(infos).deps)).points).toEqual([
      { dimensions: {}, values: { MIN: 1_250 } },
    ]);
  });

  it('belong to a session whether it came as a fact, as metadata or as a tag', async () => {
    const key = 'mlflow.trace.session';
    const infos = [{ sessionId: 's1' }, { metadata: { [key]: 's2' } }, { tags: { [key]: 's2' } }, {}].map((facts) =>
      aTraceInfo({ facts }),
    );
    const { points } = await queryMetrics(aQuery({ metric: 'session_count' }), aRange(infos).deps);
    expect(points).toEqual([{ dimensions: {}, values: { COUNT: 2 } }]);
  });

  it.each(['run1', 'run2'])('are of a run from which they were sent or to which they were linked: %s', async (run) => {
    const infos = [
      aTraceInfo({ facts: { metadata: { 'mlflow.sourceRun': 'run1' }, linkedRuns: ['run2'] } }),
      aTraceInfo(),
    ];
    const query = aQuery({ filters: [`trace.metadata.mlflow.sourceRun = '${run}'`] });
    expect((await queryMetrics(query, aRange(infos).deps)).points[0]?.values).toEqual({ COUNT: 1 });
  });

  it('that came meanwhile at an earlier time are counted once', async () => {
    const info = aTraceInfo();
    const { deps } = aRange(tracesOf(999));
    const found = Array.from({ length: 1_000 }, (_, i) => ({ traceId: info.traceId, position: `${noon - i}` }));
    const twice = {
      ...deps,
      search: {
        find: async ({ before }: { before?: string | undefined }) => (before === undefined ? found : found.slice(0, 1)),
      },
    };
    const index = { ...deps.index, getInfos: async () => new Map([[info.traceId, info]]) };
    const { points } = await queryMetrics(aQuery(), { ...twice, index });
    expect(points[0]?.values.COUNT).toBe(1);
  });
});

describe('spans', () => {
  const agent = aSpan({ spanId: '1'.repeat(16), attributes: usage('AGENT', 0.3) });
  const calls = ['2', '3'].map((digit) =>
    aSpan({ spanId: digit.repeat(16), parentSpanId: agent.spanId, attributes: usage('CHAT_MODEL', 0.15) }),
  );

  function usage(type: string, total: number) {
    return {
      'mlflow.spanType': type,
      'mlflow.llm.model': 'gpt-x',
      'mlflow.chat.tokenUsage': JSON.stringify({ input_tokens: 10, output_tokens: 1, total_tokens: 11 }),
      'mlflow.llm.cost': JSON.stringify({ input_cost: total, output_cost: 0, total_cost: total }),
    };
  }

  it('cost what their trace costs: an agent that repeats the sum of its calls is not counted beside them', async () => {
    const infos = [aTraceInfo({ facts: { cost: { inputCost: 0.3, outputCost: 0, totalCost: 0.3 } } })];
    const query = aQuery({ view: 'SPANS', metric: 'total_cost', aggregations: [{ type: 'SUM' }] });
    const { points } = await queryMetrics(query, aRange(infos, { spans: [agent, ...calls] }).deps);
    expect(points[0]?.values.SUM).toBeCloseTo(0.3, 12);
  });

  it('belong to the time bucket they began in, to the nanosecond', async () => {
    const end = BigInt(noon + 3_600_000) * 1_000_000n;
    const spans = [aSpan({ startTimeUnixNano: end - 1n }), aSpan({ spanId: '4'.repeat(16), startTimeUnixNano: end })];
    const query = aQuery({ view: 'SPANS', metric: 'span_count', intervalSeconds: 3_600, from: noon, to: noon + 1 });
    const { points } = await queryMetrics(query, aRange([aTraceInfo()], { spans }).deps);
    expect(points.map(({ bucket, values }) => [bucket, values.COUNT])).toEqual([
      [noon, 1],
      [noon + 3_600_000, 1],
    ]);
  });

  it('that have not ended have no latency, and none is negative', async () => {
    const spans = [
      aSpan({ endTimeUnixNano: 0n }),
      aSpan({ spanId: '5'.repeat(16), startTimeUnixNano: 10n, endTimeUnixNano: 9n }),
    ];
    const query = aQuery({ view: 'SPANS', metric: 'latency', aggregations: [{ type: 'MIN' }, { type: 'MAX' }] });
    const { points } = await queryMetrics(query, aRange([aTraceInfo()], { spans }).deps);
    expect(points[0]?.values).toEqual({ MIN: 0, MAX: 0 });
  });

  it.each([
    ['tool calls', { filters: ["span.type = 'TOOL'"] }, { toolCallCount: 1 }],
    ['errors', { filters: ["span.status = 'ERROR'"] }, { errorCount: 1 }],
    [
      'costs',
      { metric: 'total_cost', aggregations: [{ type: 'SUM' } as const] },
      { cost: { inputCost: 1, outputCost: 1, totalCost: 2 } },
    ],
  ])('are read only of traces that have %s when these are asked for', async (_what, given, facts) => {
    const range = aRange([aTraceInfo({ facts }), ...tracesOf(20)], { spans: [agent] });
    await queryMetrics(aQuery({ view: 'SPANS', metric: 'span_count', ...given }), range.deps);
    expect(range.asked.blocks).toBe(1);
  });

  it('that have arrived are counted before their blocks are merged, whatever the facts say by now', async () => {
    const range = aRange([aTraceInfo({ blocks: [], dueAt: noon, facts: { toolCallCount: 0, spanCount: 0 } })], {
      spans: [aSpan({ attributes: { 'mlflow.spanType': 'TOOL' } })],
    });
    const query = aQuery({ view: 'SPANS', metric: 'span_count', filters: ["span.type = 'TOOL'"] });
    expect((await queryMetrics(query, range.deps)).points[0]?.values).toEqual({ COUNT: 1 });
    expect(range.asked.blocks).toBe(1);
  });

  it('are read only of traces that match', async () => {
    const range = aRange([aTraceInfo({ facts: { state: 'ERROR' } }), ...tracesOf(20)]);
    await queryMetrics(
      aQuery({ view: 'SPANS', metric: 'span_count', filters: ["trace.status = 'ERROR'"] }),
      range.deps,
    );
    expect(range.asked.blocks).toBe(1);
  });
});

describe('assessments', () => {
  it('count in the bucket of their trace, and only while they hold', async () => {
    const assessments = [
      anAssessment({ createdAt: noon + 86_400_000 }),
      anAssessment({ valid: false }),
      anAssessment({ value: null, error: { code: 'E', message: 'failed' } }),
    ];
    const range = { intervalSeconds: 60, from: noon, to: noon };
    const page = (metric: string, type: 'COUNT' | 'AVG') =>
      queryMetrics(
        aQuery({ view: 'ASSESSMENTS', metric, aggregations: [{ type }], ...range }),
        aRange([aTraceInfo({ assessmentIds: ['a-1'] })], { assessments }).deps,
      );
    expect((await page('assessment_count', 'COUNT')).points).toEqual([
      { bucket: noon, dimensions: {}, values: { COUNT: 2 } },
    ]);
    expect((await page('assessment_value', 'AVG')).points).toEqual([
      { bucket: noon, dimensions: {}, values: { AVG: 1 } },
    ]);
  });
});

describe('assessments of traces that have none', () => {
  it('are not read', async () => {
    const range = aRange([aTraceInfo({ assessmentIds: ['a-1'] }), ...tracesOf(20)]);
    await queryMetrics(aQuery({ view: 'ASSESSMENTS', metric: 'assessment_count' }), range.deps);
    expect(range.asked.assessments).toBe(1);
  });
});

describe('more than can be read while a caller waits', () => {
  it.each([
    ['assessments', aQuery({ view: 'ASSESSMENTS', metric: 'assessment_count' }), readingLimits.assessments],
    ['spans', aQuery({ view: 'SPANS', metric: 'span_count' }), readingLimits.spans],
  ] as const)('of %s is refused, and says how far it got and what to do', async (what, query, limit) => {
    const infos = tracesOf(limit + 1, (i) => ({ assessmentIds: ['a-1'], facts: { requestTime: noon - i * 1000 } }));
    const whole = queryMetrics({ ...query, from: noon - (limit - 1) * 1000 }, aRange(infos).deps);
    expect((await whole).points).toHaveLength(1);
    const more = queryMetrics(query, aRange(infos).deps);
    await expect(more).rejects.toThrow(
      `traces whose ${what} must be read than can be answered exactly while you wait: at most ${limit} are read at once`,
    );
    await expect(more).rejects.toThrow(
      /back to about 2026-06-01T\d\d:\d\d:\d\d\.000Z\. Narrow start_time_ms and end_time_ms, or/,
    );
  });

  it('is refused after 22 s, whatever was read by then', async () => {
    let seconds = 0;
    const elapsed = () => {
      seconds += 8;
      return seconds * 1000;
    };
    const page = queryMetrics(aQuery(), aRange(tracesOf(5_000), { elapsed }).deps);
    await expect(page).rejects.toThrow('after 22 s 2000 were read');
  });

  it('is refused at its limit for traces alone', async () => {
    const infos = tracesOf(1_000);
    const found = infos.map(({ traceId }) => ({ traceId, position: `${noon}#${traceId}` }));
    const { deps } = aRange(infos);
    let page = 0;
    // Each page the same traces under other ids.
    const endless = {
      ...deps,
      search: {
        find: async () => {
          page += 1;
          return found.map(({ traceId, position }) => ({ traceId: `${traceId}/${page}`, position }));
        },
      },
      index: {
        ...deps.index,
        getInfos: async (ids: readonly string[]) =>
          new Map(ids.map((id, i) => [id, { ...(infos[i] as (typeof infos)[0]), traceId: id }])),
      },
    };
    await expect(queryMetrics(aQuery(), endless)).rejects.toThrow(`at most ${readingLimits.traces} are read at once`);
    expect(page).toBe(readingLimits.traces / 1_000 + 1);
  });
});

describe('a query that asks for what there is not', () => {
  it.each([
    [{ metric: 'constructor' }, "metric_name must be one of ['trace_count', 'session_count', "],
    [{ metric: 'latency', aggregations: [{ type: 'PERCENTILE' } as const] }, 'Percentile value is required'],
    [
      { metric: 'latency', aggregations: [{ type: 'PERCENTILE', percentile: 100.1 } as const] },
      'between 0 and 100, got 100.1',
    ],
    [
      { metric: 'latency', aggregations: [{ type: 'PERCENTILE', percentile: Number.NaN } as const] },
      'between 0 and 100',
    ],
    [
      { metric: 'latency', aggregations: [{ type: 'AVG', percentile: 5 } as const] },
      'only allowed for PERCENTILE aggregation type, got AVG',
    ],
    [{ intervalSeconds: -60, from: 0, to: 1 }, 'time_interval_seconds must be positive, got -60'],
    [{ filters: ["trace.tag. = 'x'"] }, "Filtering by tag requires a key, e.g. 'trace.tag.<key> = <value>'"],
    [{ filters: ["trace.tag.a-b = 'x'"] }, "Invalid comparison clause. Expected 'Identifier' found 'trace.tag.a-b'"],
    [{ filters: ["constructor.x = 'x'"] }, "Invalid view type 'constructor'"],
    [{ filters: ["trace.toString = 'x'"] }, "Invalid entity 'toString' specified for view type 'trace'"],
  ])('is refused before anything is read: %j', async (given, message) => {
    const { deps } = aRange([]);
    const unread = { ...deps, search: { find: () => expect.fail('was read') } };
    await expect(queryMetrics(aQuery(given), unread)).rejects.toThrow(message);
  });
});

describe('statistics', () => {
  const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });

  it('do not depend on the order in which traces are read', async () => {
    const query = aQuery({
      view: 'ASSESSMENTS',
      metric: 'assessment_value',
      aggregations: [{ type: 'AVG' }, { type: 'MIN' }, { type: 'MAX' }, { type: 'PERCENTILE', percentile: 37.5 }],
    });
    const valuesOf = async (numbers: readonly number[]) => {
      const assessments = numbers.map((value) => anAssessment({ value }));
      const [point] = (
        await queryMetrics(query, aRange([aTraceInfo({ assessmentIds: ['a-1'] })], { assessments }).deps)
      ).points;
      return point?.values;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(number, { minLength: 1, maxLength: 20 }), async (numbers) => {
        const values = await valuesOf(numbers);
        const { AVG: there, ...rest } = values ?? {};
        const { AVG: back, ...same } = (await valuesOf(numbers.toReversed())) ?? {};
        expect(same).toEqual(rest);
        expect(back).toBeCloseTo(there as number, 6);
        expect(values?.['P37.5']).toBeGreaterThanOrEqual(values?.MIN as number);
        expect(values?.['P37.5']).toBeLessThanOrEqual(values?.MAX as number);
      }),
      { numRuns: 50 },
    );
  });

  it('add small fractions without losing them', async () => {
    const assessments = [1e16, ...Array.from({ length: 10 }, () => 1), -1e16].map((value) => anAssessment({ value }));
    const query = aQuery({ view: 'ASSESSMENTS', metric: 'assessment_value', aggregations: [{ type: 'AVG' }] });
    const { points } = await queryMetrics(
      query,
      aRange([aTraceInfo({ assessmentIds: ['a-1'] })], { assessments }).deps,
    );
    expect(points[0]?.values.AVG).toBeCloseTo(10 / 12, 12);
  });
});
