import type { Backfill } from '../../../../shared/domain/backfilling/backfill.ts';
import type { BackfillProgress } from '../../../../shared/domain/backfilling/progress.ts';
import { totalCounts } from '../../../../shared/domain/backfilling/progress.ts';
import { BackfillExecution, type ExecutionOptions } from '../../../support/in-memory/backfill-execution.ts';
import { spansMessage } from '../../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { aRule, aStack, aTrace } from '../../indexing/support.ts';

export const hour = 3_600_000;

/** So many traces, five hours apart, the last of them now; indexed, and judged by whatever rules there are. */
export async function aStackWithTraces(count: number, scorers = [aRule({ sampleRate: 0 })]): Promise<InMemoryStack> {
  const stack = aStack(scorers);
  for (let n = 0; n < count; n++) {
    const shifted = aTrace(n).map((span) => ({
      ...span,
      start: (span.start ?? 0) - (count - n) * 5 * 3_600,
      end: (span.end ?? 0) - (count - n) * 5 * 3_600,
    }));
    stack.send(spansMessage(shifted, { receivedAt: stack.nowMs }));
  }
  await stack.drain();
  stack.requested.length = 0;
  return stack;
}

/** A backfill of everything, whose queue is worked off before each round. */
export function anExecution(stack: InMemoryStack, options: ExecutionOptions = {}): BackfillExecution {
  return new BackfillExecution(stack, { beforeRound: () => stack.drain(), ...options });
}

export const everything = { startTime: 0 };

/** Ids of the traces that a scorer has assessed. */
export function judgedBy(stack: InMemoryStack, name: string): readonly string[] {
  return [...stack.index.entries]
    .filter(([, { assessments }]) => [...assessments.values()].some(({ scorer }) => scorer?.name === name))
    .map(([traceId]) => traceId)
    .toSorted();
}

/** Whether every trace that was found has one fate. */
export function addsUp({ scorers }: Pick<BackfillProgress, 'scorers'>): boolean {
  return scorers.every(({ found, ...fates }) => Object.values(fates).reduce((sum, n) => sum + n, 0) === found);
}

export function totalOf({ counts = [] }: Backfill) {
  return totalCounts(counts);
}
