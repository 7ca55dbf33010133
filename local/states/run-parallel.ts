import type { ParallelState } from './definition.ts';
import { type Bindings, evaluate } from './expressions.ts';
import { leave, type Next } from './leave.ts';
import { pathWithin } from './recorded.ts';
import type { Visit } from './run.ts';
import { together } from './together.ts';

/** All branches at once; one that fails ends the others and the state. */
export async function runParallel(state: ParallelState, visit: Visit): Promise<Next> {
  const { frame, input, bindings, name, variables } = visit;
  const given = await argumentsOf(state, { input, bindings });
  const branches = state.Branches.map(
    (branch, i) => (signal: AbortSignal) =>
      frame.run.runFlow(branch, {
        ...frame,
        path: pathWithin(frame.path, name, i),
        input: given,
        outer: variables,
        signal,
      }),
  );
  const result = await together(branches, { signal: frame.signal, limit: branches.length });
  return leave(state, { bindings, seen: { result }, output: result });
}

function argumentsOf(
  { Arguments }: ParallelState,
  { input, bindings }: { input: unknown; bindings: Bindings },
): Promise<unknown> | unknown {
  return Arguments === undefined ? input : evaluate(Arguments, bindings, 'Arguments');
}
