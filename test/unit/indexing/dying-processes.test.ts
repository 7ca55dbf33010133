import { describe, expect, it } from 'vitest';
import type { Fate } from '../../support/dying-process.ts';
import { spansMessage } from '../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../support/in-memory/in-memory-stack.ts';
import { outlivesEachDeath, outlivesManyDeaths } from '../../support/outlives-deaths.ts';
import { aRule, aStack, aTrace } from './support.ts';

/** Traces that come whole, in parts, out of order, without a root, twice, and with two experiments' keys. */
function send(stack: InMemoryStack): void {
  const [whole, [root, chat, tool], [, ...orphans]] = [aTrace(0), aTrace(1), aTrace(2)];
  for (const spans of [whole, [chat], [root], [tool], orphans, whole])
    stack.send(spansMessage(spans, { receivedAt: stack.nowMs }));
  stack.send(spansMessage([aTrace(1)[2]], { experimentId: '9', receivedAt: stack.nowMs }));
}

async function run(options: { fate?: Fate; twice?: boolean }): Promise<unknown> {
  const stack = aStack([aRule({ name: 'all' }), aRule({ name: 'errors', filter: "status = 'ERROR'" })]);
  send(stack);
  for (let i = 0; i < 4; i++) {
    await stack.drain(options);
    stack.nowMs += 20 * 60_000;
    await stack.sweep();
  }
  await stack.drain();
  return finalState(stack);
}

/** What a user can see: facts, decisions, assessments, and the rows that the archive's views show. */
function finalState(stack: InMemoryStack): unknown {
  const entries = [...stack.index.entries].map(([traceId, { info, blocks, foreign, outcomes, assessments }]) => ({
    traceId,
    facts: info.facts,
    completeness: info.completeness,
    selected: info.decision?.selected,
    due: info.dueAt,
    unmerged: [...blocks.values()].filter(({ merged }) => !merged).length,
    foreign: foreign.size,
    outcomes: [...outcomes.values()].map(({ scorerName, state }) => ({ scorerName, state })),
    assessments: [...assessments.values()].map(({ assessmentId, name, value }) => ({ assessmentId, name, value })),
  }));
  const views = {
    traces: latest(stack.archived.traces, ({ traceId }) => traceId).map(({ facts }) => facts),
    spans: latest(stack.archived.spans, ({ span, isForeign }) => `${span.traceId}/${span.spanId}/${isForeign}`).length,
    assessments: latest(stack.archived.assessments, ({ assessmentId }) => assessmentId).map(({ name, value }) => ({
      name,
      value,
    })),
  };
  return { entries: entries.toSorted((a, b) => a.traceId.localeCompare(b.traceId)), views };
}

function latest<T>(rows: readonly T[], rowId: (row: T) => string): readonly T[] {
  return [...new Map(rows.map((row) => [rowId(row), row])).entries()]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([, row]) => row);
}

describe('the final state', () => {
  it('is the same when every batch is delivered twice', async () => {
    expect(await run({ twice: true })).toEqual(await run({}));
  });

  it.each(['before', 'after'] as const)('is the same wherever a process dies, just %s a call', async (when) => {
    expect(await outlivesEachDeath(run, when)).toBeGreaterThan(30);
  });

  it('is the same when processes die again and again', async () => {
    await outlivesManyDeaths(run);
  });
});
