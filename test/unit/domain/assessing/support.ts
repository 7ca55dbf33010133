import { type Assessed, assess } from '../../../../shared/domain/assessing/assess.ts';
import type { AssessRequest } from '../../../../shared/domain/assessing/request.ts';
import type { Assessment } from '../../../../shared/domain/assessment.ts';
import { evaluateTrace } from '../../../../shared/domain/evaluating/evaluate-trace.ts';
import type { EvaluationRequest } from '../../../../shared/domain/evaluation.ts';
import { type JudgeRequest, JudgeUnavailableError } from '../../../../shared/domain/judging/judge-model.ts';
import { DyingProcess, type Fate } from '../../../support/dying-process.ts';
import { spansMessage } from '../../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { aRule, aScorerVersion, aStack, aTrace, idOf } from '../../indexing/support.ts';

/** What the model does, and what it was asked. */
export interface Model {
  isDown: boolean;
  failure: Error | undefined;
  /** Takes so long for an answer, ms. */
  takesMs: number;
  readonly asked: JudgeRequest[];
}

export const judge = { builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: {} };

/** Traces with something to judge, a judge (`safety`) and code (`errors`), which judge none of them by themselves. */
export async function aStackToAssess(traces: number): Promise<{ stack: InMemoryStack; model: Model }> {
  const stack = aStack([aRule({ name: 'safety', sampleRate: 0 }), aRule({ name: 'errors', sampleRate: 0 })]);
  stack.scorers = [aScorerVersion('safety', judge), aScorerVersion('errors')];
  const model: Model = { isDown: false, failure: undefined, takesMs: 0, asked: [] };
  stack.model = {
    ...stack.model,
    async complete(request: JudgeRequest) {
      if (model.isDown) throw new JudgeUnavailableError('the model is down', { reason: 'unavailable' });
      if (model.failure) throw model.failure;
      stack.nowMs += model.takesMs;
      model.asked.push(request);
      return {
        text: '{"result": "yes", "rationale": "it is safe"}',
        toolCalls: [],
        stop: 'end' as const,
        usage: { inputTokens: 100, outputTokens: 10 },
      };
    },
  };
  for (let n = 0; n < traces; n++) {
    const [root, ...rest] = aTrace(n);
    const talk = [{ ...root, attributes: { 'input.value': `is it ${n}?`, 'output.value': 'it is' } }, ...rest];
    stack.send(spansMessage(talk, { receivedAt: stack.nowMs }));
  }
  await stack.drain();
  stack.nowMs += 300_000;
  return { stack, model };
}

export const ids = (count: number) => Array.from({ length: count }, (_, n) => idOf(n));

export interface AssessOptions {
  readonly key?: string;
  /** Of the process that is asked, and of the function that judges. */
  readonly fate?: Fate;
  readonly judging?: Fate;
  /** In the place of ports. */
  readonly given?: object;
}

/** Asks for it as the API does. */
export function ask(
  stack: InMemoryStack,
  request: Partial<AssessRequest>,
  { key, fate, judging, given }: AssessOptions = {},
): Promise<Assessed> {
  const wanted = { experimentId: '0', scorers: [], inline: [], dryRun: false, ...request };
  const deps = { ...stack.assessing(new DyingProcess(fate), { judging }), ...given };
  return assess(wanted, { idempotencyKey: key, deps });
}

/** Judges a trace as the message of its sampling asks for it. */
export function judgeLive(
  stack: InMemoryStack,
  n: number,
  scorer = { name: 'safety', sampleRate: 0.5 },
  deps = stack.judging(),
) {
  const request: EvaluationRequest = {
    traceId: idOf(n),
    experimentId: '0',
    rulesVersion: 3,
    revision: stack.index.entries.get(idOf(n))?.info.revision ?? 0,
    scorers: [{ version: 1, ...scorer }],
  };
  return evaluateTrace(request, { receives: 7, inRoom: (_, task) => task(), deps });
}

export function assessmentsOf(stack: InMemoryStack, n: number): readonly Assessment[] {
  return [...(stack.index.entries.get(idOf(n))?.assessments.values() ?? [])];
}

export const outcomeOf = (stack: InMemoryStack, n: number, name = 'safety') =>
  stack.index.entries.get(idOf(n))?.outcomes.get(`${name}#1`);
