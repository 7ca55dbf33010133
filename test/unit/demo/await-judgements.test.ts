import { beforeAll, expect, test } from 'vitest';
import { awaitJudgements } from '../../../demo/await-judgements.ts';
import type { Evidence } from '../../../demo/reconcile/reconcile.ts';
import { anApplicationRun } from './an-application-run.ts';
import { asItShouldBe } from './stored-evidence.ts';

let evidence: Evidence;

beforeAll(async () => {
  evidence = asItShouldBe(await anApplicationRun({ sessions: 3 }));
});

/** A stack that shows more at every look: traces found, and messages pending. */
function aStack(looks: readonly { found: number; pending: number }[]) {
  let look = -1;
  const at = () => looks[Math.min(look, looks.length - 1)];
  const progress: number[] = [];
  return {
    progress,
    api: { searchAll: async () => evidence.found.slice(0, at()?.found) },
    pending: async () => {
      look += 1;
      return at()?.pending ?? 0;
    },
    onProgress: (judged: number) => void progress.push(judged),
  };
}

const all = () => evidence.found.length;

test('waits for the last assessment, and then until no message is pending: one too many would show', async () => {
  const stack = aStack([
    { found: 2, pending: 4 },
    { found: all(), pending: 1 },
    { found: all(), pending: 0 },
  ]);
  expect(await awaitJudgements(evidence.expectations, stack)).toHaveLength(all());
  expect(stack.progress).toHaveLength(3);
});

test('gives up where nothing moves any more, with what there is', async () => {
  const stack = aStack([{ found: 2, pending: 0 }]);
  expect(await awaitJudgements(evidence.expectations, { ...stack, patienceMs: 700 })).toHaveLength(2);
});
