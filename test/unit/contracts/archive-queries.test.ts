import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { archivedRows, archiveQueries } from '../../../shared/contracts/archive-queries.ts';
import { assessmentRow, deletedTraceRow, spanRow, traceRow } from '../../../shared/contracts/archive-rows.ts';
import { samplingCoordinate } from '../../../shared/domain/sampling.ts';
import type { TraceInfo } from '../../../shared/domain/trace.ts';
import { ArchiveTables } from '../../support/archive-tables.ts';
import { aSpan, aSpanWithFacts } from '../../support/builders/a-span.ts';
import { aTraceInfo, noon } from '../../support/builders/a-trace-info.ts';
import { anAssessment } from '../../support/builders/an-assessment.ts';

let tables: ArchiveTables;
beforeAll(async () => {
  tables = await ArchiveTables.open();
});
beforeEach(() => tables.clear());
afterAll(() => tables.close());

const queries = archiveQueries('assay');
const day = new Date(noon).toISOString().slice(0, 10);
const range = { experimentId: '7', from: noon - 1_000, to: noon + 1_000 };
const scorer = (sampleRate: number, name = "it's") => ({ name, version: 2, sampleRate });

function anInfo(n: number, given: Partial<TraceInfo> = {}): TraceInfo {
  const traceId = `tr-${n.toString(16).padStart(32, '0')}`;
  const info = aTraceInfo({ traceId, experimentId: '7', ...given });
  return { ...info, facts: { ...info.facts, requestTime: noon, ...given.facts } };
}

const archive = (infos: readonly TraceInfo[], dt = day) =>
  tables.add(
    'traces',
    infos.map((info) => traceRow(info, noon)),
    dt,
  );

const survey = async (scorers: readonly ReturnType<typeof scorer>[], mode: 'missing' | 'all' = 'missing') =>
  (await tables.query(queries.survey(range, { scorers, mode })))[0];

const unloaded = (rate = 1, rows = { firstDay: day, lastDay: day }) =>
  archivedRows('assay', { range, rows, scorers: [scorer(rate)], buckets: 5 });

describe('what a backfill asks the archive', () => {
  it.each([0, 0.01, 0.2, 0.5, 0.8, 0.999, 1])('samples at %d as live scoring does', async (rate) => {
    const infos = Array.from({ length: 400 }, (_, n) => anInfo(n));
    await archive(infos);
    const sampled = infos.filter(({ traceId }) => samplingCoordinate(traceId) < rate).map(({ traceId }) => traceId);
    const found = await tables.traces(unloaded(rate));
    expect(found.map(({ traceId }) => traceId).toSorted()).toEqual(sampled);
    expect(await survey([scorer(rate)])).toMatchObject({
      found: '400',
      not_sampled: String(400 - sampled.length),
      open_0: String(sampled.length),
    });
  });

  it('finds the traces of the experiment whose last word lies in the range, both ends included', async () => {
    const at = (requestTime: number) => ({ facts: { ...anInfo(0).facts, requestTime } });
    await archive([
      anInfo(1, at(range.from)),
      anInfo(2, at(range.to)),
      anInfo(3, at(range.from - 1)),
      anInfo(4, at(range.to + 1)),
      anInfo(5, { experimentId: '8' }),
      // Said to have begun at another time, later.
      anInfo(6),
      anInfo(6, { revision: 9, ...at(range.to + 1) }),
    ]);
    const found = await tables.traces(unloaded());
    expect(found.map(({ traceId }) => Number.parseInt(traceId.slice(3), 16)).toSorted()).toEqual([1, 2]);
    expect(await survey([scorer(1)])).toMatchObject({ found: '2', not_sampled: '0' });
  });

  it.each(['missing', 'all'] as const)('counts nothing where nothing is, to judge %s', async (mode) => {
    const nothing = { found: '0', not_sampled: '0', spans: '0', first_day: null, last_day: null, open_0: '0' };
    expect(await survey([scorer(1)], mode)).toEqual(nothing);
    await archive([anInfo(1, { facts: { ...anInfo(0).facts, requestTime: range.to + 1 } })]);
    expect(await survey([scorer(0.5)], mode)).toEqual(nothing);
  });

  it('finds no deleted trace, however late it was deleted', async () => {
    await archive([anInfo(1), anInfo(2, { revision: 5 })]);
    const later = new Date(noon + 100 * 86_400_000);
    await tables.add('traces', [deletedTraceRow(anInfo(2), later.getTime())], later.toISOString().slice(0, 10));
    expect((await tables.traces(unloaded())).map(({ traceId }) => traceId)).toEqual([anInfo(1).traceId]);
    expect(await survey([scorer(1)])).toMatchObject({ found: '1' });
  });

  it('counts apart what a scorer version has judged, unless all is to be judged again', async () => {
    await archive([1, 2, 3].map((n) => anInfo(n)));
    const judged = (n: number, name: string, version: number) =>
      anAssessment({ traceId: anInfo(n).traceId, scorer: { name, version, sampleRate: 1 } });
    // On demand: it lacks the weight that a backfill gives it.
    const asked = anAssessment({ traceId: anInfo(3).traceId, scorer: { name: "it's", version: 2 } });
    const assessments = [
      ...[judged(1, "it's", 2), judged(1, "it's", 2), judged(2, "it's", 1), judged(3, 'other', 2)],
      asked,
    ];
    await tables.add(
      'assessments',
      assessments.map((one) => assessmentRow(one, noon)),
      day,
    );
    const both = [scorer(1), scorer(1, 'other')];
    expect(await survey(both)).toMatchObject({ found: '3', open_0: '2', open_1: '2' });
    expect(await survey(both, 'all')).toMatchObject({ found: '3', open_0: '3', open_1: '3' });
  });

  it('says on which days the sampled were archived, and how many spans they have', async () => {
    const infos = [anInfo(1), anInfo(2)];
    await archive(infos);
    await archive([anInfo(1, { revision: 2 })], '2027-01-01');
    const spans = infos.reduce((sum, { facts }) => sum + facts.spanCount, 0);
    expect(await survey([scorer(1)])).toMatchObject({ first_day: day, last_day: '2027-01-01', spans: String(spans) });
    expect(await survey([scorer(0)])).toMatchObject({ first_day: null, last_day: null, spans: '0', not_sampled: '2' });
  });

  it('unloads spans and assessments of the traces, those of others and of other experiments left out', async () => {
    const { traceId } = anInfo(1);
    await archive([anInfo(1)]);
    const of = (id: string, more = {}) => ({
      ...aSpanWithFacts({ traceId: id.slice(3) }),
      ...{ sizeBytes: 1, experimentId: '7', isForeign: false, ...more },
    });
    const spans = [of(traceId), of(traceId, { experimentId: '8', isForeign: true }), of(anInfo(2).traceId)];
    await tables.add('spans', spans.map(spanRow), day);
    const later = { ...of(traceId), span: aSpan({ traceId: traceId.slice(3), spanId: '1'.repeat(16) }) };
    await tables.add('spans', [spanRow(later)], '2027-01-01');
    const assessment = anAssessment({
      ...{ traceId, value: { a: [1, null] }, rationale: '"why"', overrides: 'a-1', spanId: '2'.repeat(16) },
      ...{ error: { code: 'X', message: 'm', stackTrace: 's' }, scorer: { name: 'n', version: 3, sampleRate: 0.1 } },
      metadata: { k: 'v' },
      createdAt: noon + 123,
    });
    await tables.add(
      'assessments',
      [assessmentRow(assessment, noon), assessmentRow({ ...assessment, updatedAt: noon + 5, value: 1 }, noon)],
      '2027-02-01',
    );
    const [found] = await tables.traces(unloaded());
    expect(found?.spans).toEqual([aSpan({ traceId: traceId.slice(3) })]);
    expect(found?.assessments).toEqual([{ ...assessment, updatedAt: noon + 5, value: 1 }]);
    const [longer] = await tables.traces(unloaded(1, { firstDay: day, lastDay: '2026-12-31' }));
    expect(longer?.spans).toHaveLength(2);
  });

  it('puts all rows of a trace into one bucket, and traces into all of them', async () => {
    const infos = Array.from({ length: 60 }, (_, n) => anInfo(n));
    await archive(infos);
    const spans = infos.map(({ traceId }) => ({ ...aSpanWithFacts({ traceId: traceId.slice(3) }), sizeBytes: 1 }));
    await tables.add(
      'spans',
      spans.map((one) => spanRow({ ...one, experimentId: '7', isForeign: false })),
      day,
    );
    const rows = (await tables.query(unloaded())) as readonly { trace_id: string; bucket: number }[];
    const buckets = new Map(Map.groupBy(rows, ({ trace_id: id }) => id));
    expect([...buckets.values()].every((own) => own.length === 2 && own[0]?.bucket === own[1]?.bucket)).toBe(true);
    expect(new Set(rows.map(({ bucket }) => bucket))).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  it('is one statement that begins as Athena has it, and names where it writes', () => {
    const options = { rows: { firstDay: day, lastDay: day }, scorers: [scorer(0.5)], buckets: 3 };
    const text = queries.unload(range, { ...options, location: 's3://store/unloaded/b/1-0/' });
    expect(text).toMatch(/^UNLOAD \(SELECT kind, trace_id, cells, bucket FROM \(/);
    expect(text).toMatch(
      /\nTO 's3:\/\/store\/unloaded\/b\/1-0\/'\nWITH \(format = 'JSON', compression = 'gzip', partitioned_by = ARRAY\['bucket'\]\)$/,
    );
    // What one may say to DuckDB, and not to Trino.
    expect(text).not.toMatch(/::|\bQUALIFY\b|\bEXCLUDE\b|\bstrftime\b/);
  });
});
