import { defaultSettings } from '../../../shared/domain/experiment.ts';
import type { Rules, ScorerRule } from '../../../shared/domain/rules.ts';
import type { Fate } from '../../support/dying-process.ts';
import { type JsonSpan, spanIdOf, spansMessage, traceIdOf } from '../../support/in-memory/bodies.ts';
import { InMemoryStack } from '../../support/in-memory/in-memory-stack.ts';
import { aJudgeModel, aVerdict, type Scripted } from '../../support/judging/a-judge-model.ts';
import { aRule, aScorerVersion, idOf } from './support.ts';

export const minute = 60_000;

const mood = {
  builtin_scorer_class: 'UserFrustration',
  builtin_scorer_pydantic_data: {},
  is_session_level_scorer: true,
};

interface Given {
  readonly rule?: Partial<ScorerRule>;
  readonly others?: readonly ScorerRule[];
  readonly settings?: Partial<Rules['settings']>;
  readonly script?: Parameters<typeof aJudgeModel>[0];
}

/** A stack with one judge of sessions, `mood`, and the model that it asks. */
export function aSessionStack({ rule = {}, others = [], settings = {}, script = [aVerdict('none')] }: Given = {}) {
  const model = aJudgeModel(script as readonly Scripted[]);
  const scorers = [aRule({ name: 'mood', level: 'session', ...rule }), ...others];
  const rules = { experimentId: '0', version: 3, scorers, settings: { ...defaultSettings, ...settings } };
  const stack = new InMemoryStack({ rules, scorers: [aScorerVersion('mood', mood), aScorerVersion('length')] });
  stack.model = model;
  return { stack, model };
}

/** Turn number `n` of a session: a trace of one span; without a session, none is said. */
export function turn(n: number, session: string | undefined = 's', attributes: Record<string, string> = {}): JsonSpan {
  return {
    traceId: traceIdOf(n),
    spanId: spanIdOf(0),
    name: 'turn',
    start: n,
    end: n + 1,
    attributes: {
      'input.value': `question ${n}`,
      'output.value': `answer ${n}`,
      ...(session && { 'session.id': session }),
      ...attributes,
    },
  };
}

export function send(stack: InMemoryStack, ...spans: readonly JsonSpan[]): void {
  stack.send(spansMessage(spans, { receivedAt: stack.nowMs }));
}

/** Lets time go by, a minute at a time, with the sweep that comes with each. */
export async function wait(
  stack: InMemoryStack,
  minutes: number,
  options: { fate?: Fate; twice?: boolean } = {},
): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    await stack.drain(options);
    stack.nowMs += minute;
    await stack.sweep(options.fate);
  }
  await stack.drain(options);
}

/** The assessments of turn `n`. */
export function assessmentsOf(stack: InMemoryStack, n: number) {
  return [...(stack.index.entries.get(idOf(n))?.assessments.values() ?? [])];
}

export function sessionOfStack(stack: InMemoryStack, session = 's') {
  const entry = stack.sessions.entries.get(`0/${session}`);
  return entry && { ...entry.session, outcomes: [...entry.outcomes.values()] };
}
