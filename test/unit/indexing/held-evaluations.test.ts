import { expect, it } from 'vitest';
import { defaultSettings } from '../../../shared/domain/experiment.ts';
import type { ScorerVersion } from '../../../shared/domain/scorer.ts';
import { type JsonSpan, spansMessage } from '../../support/in-memory/bodies.ts';
import { InMemoryStack } from '../../support/in-memory/in-memory-stack.ts';
import { aRule, aTrace, idOf } from './support.ts';

const judge = {
  call_source: 'return 1',
  call_signature: '(outputs)',
  original_func_name: 'f',
  is_session_level_scorer: true,
};
const heuristic = { assay_heuristic: { type: 'error_free' } };

function aVersion(name: string, kind: object): ScorerVersion {
  const serialized = JSON.stringify({ name, serialization_version: 1, ...kind });
  return { experimentId: '0', name, version: 1, scorerId: `id-of-${name}`, serialized, createdAt: 0 };
}

/** Where every trace is selected for each of the scorers. */
function aStackWith(kinds: Readonly<Record<string, object>>): InMemoryStack {
  const scorers = Object.keys(kinds).map((name) => aRule({ name }));
  const rules = { experimentId: '0', version: 3, scorers, settings: defaultSettings };
  return new InMemoryStack({ rules, scorers: Object.entries(kinds).map(([name, kind]) => aVersion(name, kind)) });
}

async function arrive(stack: InMemoryStack, spans: readonly JsonSpan[]) {
  stack.send(spansMessage(spans, { experimentId: '0', receivedAt: stack.nowMs }));
  await stack.drain();
}

function found(stack: InMemoryStack) {
  const { outcomes, assessments } = stack.index.entries.get(idOf(0)) ?? {};
  return {
    outcomes: [...(outcomes?.values() ?? [])].map(({ scorerName, state, reason }) => [scorerName, state, reason]),
    assessments: [...(assessments?.values() ?? [])].map(({ name, value, error }) => [name, error ?? value]),
  };
}

const held = ['judge', 'held', 'Python code for sessions is not executed by this version yet'];

it('leaves a scorer that is not executed yet an outcome that says why, and neither score nor error', async () => {
  const stack = aStackWith({ judge });
  await arrive(stack, aTrace(0));
  expect(found(stack)).toEqual({ outcomes: [held], assessments: [] });
  expect(stack.archived.assessments).toEqual([]);
});

it('runs the other scorers of the trace', async () => {
  const stack = aStackWith({ judge, length: heuristic });
  await arrive(stack, aTrace(0));
  expect(found(stack)).toEqual({ outcomes: [held, ['length', 'done', undefined]], assessments: [['length', 'no']] });
});

it('judges when a later delivery can, with the request that is made anew when spans come', async () => {
  const stack = aStackWith({ judge, length: heuristic });
  const [root, chat, tool] = aTrace(0);
  await arrive(stack, [root, chat]);
  expect(stack.requested).toHaveLength(1);
  // A version of Assay that runs it.
  Object.assign(stack, { scorers: ['judge', 'length'].map((name) => aVersion(name, heuristic)) });
  await arrive(stack, [tool]);
  expect(stack.requested).toHaveLength(2);
  expect(found(stack).outcomes).toEqual([
    ['judge', 'done', undefined],
    ['length', 'done', undefined],
  ]);
});

it('changes nothing when it is delivered twice', async () => {
  const stack = aStackWith({ judge });
  stack.send(spansMessage(aTrace(0), { experimentId: '0', receivedAt: stack.nowMs }));
  await stack.drain({ twice: true });
  expect(found(stack)).toEqual({ outcomes: [held], assessments: [] });
});
