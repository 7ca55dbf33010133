import type { Backfill } from '../../../../shared/domain/backfilling/backfill.ts';
import type { BackfillProgress } from '../../../../shared/domain/backfilling/progress.ts';
import { totalCounts } from '../../../../shared/domain/backfilling/progress.ts';
import { type JudgeRequest, JudgeUnavailableError } from '../../../../shared/domain/judging/judge-model.ts';
import type { Fate } from '../../../support/dying-process.ts';
import { BackfillExecution, type ExecutionOptions } from '../../../support/in-memory/backfill-execution.ts';
import { spansMessage } from '../../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { aRule, aStack, aTrace } from '../../indexing/support.ts';

export const minute = 60_000;
export const hour = 60 * minute;

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

interface ScriptedModel {
  isDown: boolean;
  readonly asked: JudgeRequest[];
  /** In the place of an answer: what a call that reaches it fails with. */
  refuses?: ((asked: number) => Error | undefined) | undefined;
}

/** Traces with something to judge, and a judge whose model answers unless it is down. */
export async function aJudgedStack({ traces, rate = 0 }: { traces: number; rate?: number }) {
  const stack = aStack([aRule({ name: 'safety', sampleRate: rate })]);
  const serialized = JSON.stringify({
    name: 'safety',
    builtin_scorer_class: 'Safety',
    builtin_scorer_pydantic_data: {},
  });
  stack.scorers = stack.scorers.map((scorer) => ({ ...scorer, serialized }));
  const model: ScriptedModel = { isDown: false, asked: [] };
  stack.model = {
    ...stack.model,
    async complete(request: JudgeRequest) {
      if (model.isDown) throw new JudgeUnavailableError('the model is down', { reason: 'unavailable' });
      const refusal = model.refuses?.(model.asked.length);
      if (refusal) throw refusal;
      model.asked.push(request);
      return {
        text: '{"result": "yes", "rationale": "it is safe"}',
        toolCalls: [],
        stop: 'end' as const,
        usage: { inputTokens: 100, outputTokens: 10 },
      };
    },
  };
  for (let n = 0; n < traces; n++) sendTalk(stack, n);
  await stack.drain();
  stack.requested.length = 0;
  // A backfill runs on the past.
  stack.nowMs += 5 * minute;
  return { stack, model };
}

/** Trace number `n`, with something to judge; every third one is named `chat`, the others `agent`. */
export function sendTalk(stack: InMemoryStack, n: number): void {
  const [root, ...rest] = aTrace(n);
  const attributes = { 'input.value': `is it ${n}?`, 'output.value': 'it is' };
  const talk = [{ ...root, name: n % 3 === 0 ? 'chat' : 'agent', attributes }, ...rest];
  stack.send(spansMessage(talk, { receivedAt: stack.nowMs }));
}

/** Time passes between two rounds; the sweep comes every minute of it. */
export function passing(
  stack: InMemoryStack,
  { each = () => {}, delivery = {} }: { each?: () => void; delivery?: { fate?: Fate; twice?: boolean } } = {},
) {
  let swept = stack.nowMs;
  return async () => {
    const end = stack.nowMs;
    for (stack.nowMs = swept; stack.nowMs < end; stack.nowMs += minute) {
      each();
      await stack.sweep(delivery.fate);
      await stack.drain(delivery);
    }
    stack.nowMs = Math.max(stack.nowMs, end);
    await stack.drain(delivery);
    swept = stack.nowMs;
  };
}
