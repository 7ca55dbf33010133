import type { Catcher, MapState, Retrier, State } from './definition.ts';
import { isDistributed } from './definition.ts';
import { expressionIn } from './expressions.ts';
import { maxPayloadBytes } from './state-error.ts';

/** What AWS refuses when a state machine is made, and the validator of the tests does not see. Answers what is wrong, if anything is. */
export function problemOf(name: string, state: State): string | undefined {
  if (name.length > 80) return 'a name has at most 80 characters';
  return (
    wildcardProblem('Retry' in state ? (state.Retry ?? []) : []) ??
    wildcardProblem('Catch' in state ? (state.Catch ?? []) : []) ??
    (state.Type === 'Map' && isDistributed(state) ? distributedMapProblem(state) : undefined) ??
    reservedProblem(state)
  );
}

/** Step Functions developer guide, "Handling errors": States.ALL stands alone, in the last one. */
function wildcardProblem(handlers: readonly (Retrier | Catcher)[]): string | undefined {
  const isMisplaced = handlers.some(
    ({ ErrorEquals }, i) => ErrorEquals.includes('States.ALL') && (ErrorEquals.length > 1 || i < handlers.length - 1),
  );
  return isMisplaced ? 'States.ALL stands alone, and last' : undefined;
}

/** Developer guide, "Distributed Map state fields" and "ItemBatcher (Map)". */
function distributedMapProblem({ Label, ItemBatcher, ResultWriter }: MapState): string | undefined {
  if (Label !== undefined && !/^[^\s?*<>{}[\]:;,\\|^~$#%&`"\p{Cc}]{1,40}$/u.test(Label))
    return `a label has 1 to 40 characters and no special ones, got ${Label}`;
  if (ResultWriter && ResultWriter.Resource === undefined && ResultWriter.WriterConfig === undefined)
    return 'a result writer has a resource, or says how to write';
  if (!ItemBatcher) return undefined;
  const { MaxItemsPerBatch: items, MaxInputBytesPerBatch: bytes } = ItemBatcher;
  if (items === undefined && bytes === undefined) return 'batches are limited by items, bytes or both';
  const isTooLarge = typeof bytes === 'number' && bytes > maxPayloadBytes;
  return isTooLarge ? `a batch has at most ${maxPayloadBytes} bytes` : undefined;
}

/** Developer guide, "Transforming data with JSONata", "Reserved variable: $states": where its members are. */
function reservedProblem(state: State): string | undefined {
  const hasResult = state.Type === 'Task' || state.Type === 'Map' || state.Type === 'Parallel';
  for (const [field, value] of Object.entries(state)) {
    // The states within say for themselves.
    if (field === 'ItemProcessor' || field === 'Branches') continue;
    const names = reservedIn(value);
    const isLeaving = field === 'Output' || field === 'Assign';
    if (names.has('result') && !(hasResult && isLeaving)) return `$states.result is not there in ${field}`;
    if (names.has('errorOutput') && field !== 'Catch') return `$states.errorOutput is not there in ${field}`;
  }
  return undefined;
}

function reservedIn(value: unknown): ReadonlySet<string> {
  if (typeof value === 'object' && value !== null)
    return new Set(Object.values(value).flatMap((member) => [...reservedIn(member)]));
  const expression = typeof value === 'string' ? (expressionIn(value) ?? '') : '';
  return new Set([...expression.matchAll(/\$states\.(\w+)/g)].map(([, name = '']) => name));
}
