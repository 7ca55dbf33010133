import type { ChoiceState } from './definition.ts';
import { evaluate, unexpected } from './expressions.ts';
import { leave, type Next } from './leave.ts';
import type { Visit } from './run.ts';
import { StateError } from './state-error.ts';

/** The first rule that holds; its own `Output` and `Assign` then stand for those of the state, which belong to `Default`. */
export async function runChoice(state: ChoiceState, { input, bindings, name }: Visit): Promise<Next> {
  for (const [i, rule] of state.Choices.entries()) {
    const field = `Choices[${i}]/Condition`;
    const holds = await evaluate(rule.Condition, bindings, field);
    if (typeof holds !== 'boolean') throw unexpected(holds, { template: rule.Condition, field, expected: 'boolean' });
    if (holds) return leave(rule, { bindings, output: input });
  }
  if (state.Default === undefined)
    throw new StateError('States.NoChoiceMatched', `no rule of '${name}' holds, and it has no default`);
  const { Output, Assign, Default } = state;
  return leave({ Output, Next: Default, ...(Assign && { Assign }) }, { bindings, output: input });
}
