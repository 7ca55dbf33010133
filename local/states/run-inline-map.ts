import type { MapState } from './definition.ts';
import { evaluate, evaluateInteger, unexpected } from './expressions.ts';
import { leave, type Next } from './leave.ts';
import { type MapItem, mapItemsOf, selected } from './map-items.ts';
import { pathWithin } from './recorded.ts';
import type { Visit } from './run.ts';
import { together } from './together.ts';

/** Of an inline map: Step Functions developer guide, "Using Map state in Inline mode". */
const inlineConcurrency = 40;

export async function runInlineMap(state: MapState, visit: Visit): Promise<Next> {
  const { frame, bindings, name, variables } = visit;
  const items = await itemsOf(state, visit);
  const limit = await evaluateInteger(state.MaxConcurrency ?? 0, bindings, 'MaxConcurrency');
  frame.run.event('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });
  const iterations = items.map(
    (item, i) => async (signal: AbortSignal) =>
      frame.run.runFlow(state.ItemProcessor, {
        ...frame,
        path: pathWithin(frame.path, name, i),
        input: await selected(state.ItemSelector, { item, bindings }),
        outer: variables,
        map: { Item: item },
        signal,
      }),
  );
  const result = await together(iterations, { signal: frame.signal, limit: limit || inlineConcurrency });
  return leave(state, { bindings, seen: { result }, output: result });
}

/** `Items`, or else the state's input: an array, or an object, whose members are the items then. */
export async function itemsOf({ Items }: MapState, { input, bindings }: Visit): Promise<readonly MapItem[]> {
  const value = Items === undefined ? input : await evaluate(Items, bindings, 'Items');
  const items = mapItemsOf(value);
  if (!items) throw unexpected(value, { template: Items ?? '$states.input', field: 'Items', expected: 'array' });
  return items;
}
