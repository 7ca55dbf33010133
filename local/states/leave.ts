import { type Bindings, evaluate } from './expressions.ts';
import type { Variables } from './recorded.ts';

/** What running a state leads to; `state` null: the flow is at its end. */
export interface Next {
  readonly state: string | null;
  readonly output: unknown;
  readonly assigned: Variables;
}

interface Exit {
  readonly Next?: string;
  readonly Output?: unknown;
  readonly Assign?: Readonly<Record<string, unknown>>;
}

/**
 * Leaves a state: `Output` and `Assign` see the same variables, the old ones, whatever they stand after. Source: Step Functions developer
 * guide, "Passing data between states with variables", "Evaluation order in a state".
 */
export async function leave(
  { Next, Output, Assign }: Exit,
  { bindings, seen = {}, output }: { bindings: Bindings; seen?: Readonly<Record<string, unknown>>; output: unknown },
): Promise<Next> {
  const within = { ...bindings, states: { ...(bindings.states as object), ...seen } };
  const [given, assigned] = await Promise.all([
    Output === undefined ? output : evaluate(Output, within, 'Output'),
    evaluate(Assign ?? {}, within, 'Assign'),
  ]);
  return { state: Next ?? null, output: given, assigned: assigned as Variables };
}
