import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { otlpTraceCodec } from '../../../../shared/adapters/otlp-trace-codec.ts';
import { archivedRows } from '../../../../shared/contracts/archive-queries.ts';
import { assessmentRow, deletedTraceRow, spanRow, traceRow } from '../../../../shared/contracts/archive-rows.ts';
import { encodeTracesData } from '../../../../shared/contracts/otlp/encode-spans.ts';
import {
  type ArchivedTrace,
  type RestoredTrace,
  restoreTraces,
} from '../../../../shared/domain/backfilling/restore-traces.ts';
import { toScorableTrace } from '../../../../shared/domain/facts/scorable.ts';
import { readBlockSpans } from '../../../../shared/domain/read-blocks.ts';
import { ArchiveTables } from '../../../support/archive-tables.ts';
import { anAssessment } from '../../../support/builders/an-assessment.ts';
import { DyingProcess, type Fate } from '../../../support/dying-process.ts';
import { spansMessage } from '../../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { aRule, aStack, aTrace, idOf } from '../../indexing/support.ts';

let tables: ArchiveTables;
beforeAll(async () => {
  tables = await ArchiveTables.open();
});
beforeEach(() => tables.clear());
afterAll(() => tables.close());

const day = '2026-11-21';
const sql = archivedRows('assay', {
  range: { experimentId: '0', from: 0, to: 4_000_000_000_000 },
  rows: { firstDay: day, lastDay: day },
  scorers: [{ name: 'all', version: 1, sampleRate: 1 }],
  buckets: 3,
});

/** Traces that came whole, in parts, without a root, of which more was said, and that were judged. */
async function someTraces(): Promise<InMemoryStack> {
  const stack = aStack([aRule({ name: 'all' }), aRule({ name: 'errors', filter: "status = 'ERROR'" })]);
  const [, [root, chat, tool], [, ...orphans]] = [aTrace(0), aTrace(1), aTrace(2)];
  for (const spans of [aTrace(0), [chat], [root], [tool], orphans, aTrace(3), aTrace(4)])
    stack.send(spansMessage(spans, { receivedAt: stack.nowMs }));
  await stack.drain();
  await stack.start(idOf(3), {
    facts: {
      state: 'ERROR',
      requestPreview: 'said',
      durationMs: 12,
      linkedRuns: ['r'],
      tokens: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
    },
    tags: { a: 'b' },
    metadata: { c: 'd', 'service.name': 'renamed' },
  });
  await stack.tag(idOf(4), 'kind', 'x');
  await stack.drain();
  stack.nowMs += 20 * 60_000;
  await stack.sweep();
  await stack.drain();
  return stack;
}

async function archived({
  archived: { traces, spans, assessments },
}: InMemoryStack): Promise<readonly ArchivedTrace[]> {
  await tables.add(
    'traces',
    traces.map((info, i) => traceRow(info, i)),
    day,
  );
  await tables.add('spans', spans.map(spanRow), day);
  await tables.add(
    'assessments',
    assessments.map((one, i) => assessmentRow(one, i)),
    day,
  );
  return tables.traces(sql);
}

/** Traces without their spans are found no more: items and bytes expire. */
function expire(stack: InMemoryStack): void {
  stack.index.entries.clear();
  stack.objects.clear();
}

function restoring(stack: InMemoryStack, process = new DyingProcess()) {
  return {
    ...stack.deciding(process),
    segments: process.wrap({
      put: async (key: string, bytes: Uint8Array) => {
        stack.objects.set(key, bytes);
      },
    }),
    remover: process.wrap(stack.index.remover),
    restored: process.wrap({ add: async (traces: readonly RestoredTrace[]) => add(stack, traces) }),
    codec: otlpTraceCodec,
    encode: encodeTracesData,
    retentionDays: 30,
    now: () => stack.nowMs,
  };
}

async function add({ index }: InMemoryStack, traces: readonly RestoredTrace[]): Promise<void> {
  const places = await index.foundTraces(traces.map(({ info }) => info));
  traces.forEach(({ info, assessments, outcomes }, i) => {
    const entry = index.entries.get(info.traceId);
    if (places[i] === 'exists' || entry === undefined) return;
    for (const one of assessments) entry.assessments.set(one.assessmentId, one);
    for (const one of outcomes) entry.outcomes.set(`${one.scorerName}#${one.scorerVersion}`, one);
  });
}

/** What scorers see of every trace, and what stands beside it; a revision is only compared with others of the same store. */
async function seen(stack: InMemoryStack) {
  const { segments } = stack.deciding();
  const all = [...stack.index.entries.values()].map(async ({ info, assessments, outcomes }) => {
    const spans = await readBlockSpans(info.blocks, { segments, codec: otlpTraceCodec });
    const found = [...assessments.values()];
    const trace = toScorableTrace({ info, spans, assessments: found });
    const sizes = trace.spans.map(
      ({ sizeBytes: _, ...span }: { sizeBytes?: number } & (typeof trace.spans)[number]) => span,
    );
    return {
      info: { facts: info.facts, completeness: info.completeness },
      trace: { ...trace, spans: sizes },
      assessments: found.map(({ assessmentId, value }) => ({ assessmentId, value })),
      outcomes: [...outcomes.values()].map(({ scorerName, state }) => ({ scorerName, state })),
    };
  });
  return (await Promise.all(all)).toSorted((a, b) => (a.trace.traceId < b.trace.traceId ? -1 : 1));
}

describe('a trace that is restored', () => {
  it('is seen by scorers and searches as it was', async () => {
    const stack = await someTraces();
    const before = await seen(stack);
    const traces = await archived(stack);
    expire(stack);
    expect(await restoreTraces(traces, restoring(stack))).toBe(5);
    expect(await seen(stack)).toEqual(before);
    expect(before.map(({ outcomes }) => outcomes.length)).toEqual([1, 1, 1, 1, 1]);
    expect(before[3]?.trace.facts).toMatchObject({ state: 'ERROR', requestPreview: 'said', tags: { a: 'b' } });
  });

  it('is restored once, whoever dies at whatever call', async () => {
    const stack = await someTraces();
    const before = await seen(stack);
    const traces = await archived(stack);
    for (let at = 0; at < 8; at++)
      for (const how of ['before', 'after'] as const) {
        expire(stack);
        let calls = 0;
        const fate: Fate = () => (calls++ === at ? how : undefined);
        await restoreTraces(traces, restoring(stack, new DyingProcess(fate))).catch(() => undefined);
        await restoreTraces(traces, restoring(stack));
        expect(await restoreTraces(traces, restoring(stack))).toBe(0);
        expect(await seen(stack)).toEqual(before);
      }
  });

  it('is left to itself: not archived again, not decided by live rules, no session of it noted', async () => {
    const stack = await someTraces();
    const traces = await archived(stack);
    const rows = Object.values(stack.archived).map(({ length }) => length);
    const [requested, sessions] = [stack.requested.length, [...stack.sessions.entries]];
    expire(stack);
    await restoreTraces(traces, restoring(stack));
    stack.nowMs += 60 * 60_000;
    await stack.sweep();
    await stack.drain();
    expect(Object.values(stack.archived).map(({ length }) => length)).toEqual(rows);
    expect([stack.requested.length, [...stack.sessions.entries]]).toEqual([requested, sessions]);
    for (const { info } of stack.index.entries.values())
      expect(info).toMatchObject({
        decision: { selected: [] },
        blocks: [{ key: expect.stringMatching(/^restored\/0\//) }],
      });
  });

  it('is restored where it has expired, however long its items stay', async () => {
    const stack = await someTraces();
    const traces = await archived(stack);
    stack.objects.clear();
    stack.nowMs += 29 * 86_400_000;
    expect(await restoreTraces(traces, restoring(stack))).toBe(0);
    stack.nowMs += 2 * 86_400_000;
    expect(await restoreTraces(traces, restoring(stack))).toBe(5);
  });

  it('does not touch one that is there, nor one that was deleted', async () => {
    const stack = await someTraces();
    const traces = await archived(stack);
    await stack.delete(idOf(0));
    const before = await seen(stack);
    expect(await restoreTraces(traces, restoring(stack))).toBe(0);
    expect(await seen(stack)).toEqual(before);
  });

  it('is not found in the archive any more once it was deleted, when its tombstone is gone, too', async () => {
    const stack = await someTraces();
    await archived(stack);
    await stack.delete(idOf(0));
    expect(stack.archived.deleted).toEqual([idOf(0)]);
    await tables.add('traces', [deletedTraceRow({ traceId: idOf(0), experimentId: '0' }, stack.nowMs)], day);
    expect((await tables.traces(sql)).map(({ traceId }) => traceId).toSorted()).toEqual([1, 2, 3, 4].map(idOf));
  });

  it('has the assessments that stand: not those that were deleted, but what one of them overrides', async () => {
    const stack = await someTraces();
    const of = (assessmentId: string, more: object) =>
      anAssessment({ assessmentId, traceId: idOf(0), experimentId: '0', name: 'stars', ...more });
    const scorer = { name: 'gone', version: 4, sampleRate: 1 };
    stack.archived.assessments.push(
      of('a-deleted', { valid: false, scorer, metadata: { 'assay.backfillId': 'b0' } }),
      of('a-overridden', { valid: false }),
      of('a-stands', { overrides: 'a-overridden' }),
    );
    const traces = await archived(stack);
    expire(stack);
    await restoreTraces(traces, restoring(stack));
    const { assessments, outcomes, info } = stack.index.entries.get(idOf(0)) ?? {};
    const stars = [...(assessments?.values() ?? [])].filter(({ name }) => name === 'stars');
    expect(stars.map(({ assessmentId }) => assessmentId).toSorted()).toEqual(['a-overridden', 'a-stands']);
    expect(info?.assessmentIds?.includes('a-stands')).toBe(true);
    // It was judged, whatever became of the judgement.
    expect(outcomes?.get('gone#4')).toMatchObject({ state: 'done', backfillId: 'b0' });
  });

  it('lacks a weight where it was judged on demand alone', async () => {
    const stack = await someTraces();
    const by = (name: string, sampleRate?: number) => ({
      scorer: { name, version: 1, ...(sampleRate !== undefined && { sampleRate }) },
    });
    const of = (more: object) => anAssessment({ traceId: idOf(0), experimentId: '0', ...more });
    stack.archived.assessments.push(of(by('asked')), of(by('sampled', 0.5)));
    const traces = await archived(stack);
    expire(stack);
    await restoreTraces(traces, restoring(stack));
    const outcomes = stack.index.entries.get(idOf(0))?.outcomes;
    expect(outcomes?.get('asked#1')).toMatchObject({ state: 'done', unweighted: true });
    expect(outcomes?.get('sampled#1')).not.toHaveProperty('unweighted');
  });
});
