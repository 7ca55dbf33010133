import { type Bindings, evaluate } from './expressions.ts';

/** `$states.context.Map.Item`. */
export interface MapItem {
  readonly Index: number;
  readonly Value: unknown;
  /** Of an item that was a member of an object. */
  readonly Key?: string;
}

/** The items of an array, or of an object by its members; undefined where the value is neither. */
export function mapItemsOf(value: unknown): readonly MapItem[] | undefined {
  if (Array.isArray(value)) return value.map((Value, Index) => ({ Index, Value }));
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).map(([Key, Value], Index) => ({ Index, Key, Value }));
}

/** What an iteration or a child gets for an item: what `ItemSelector` makes of it, else the item itself. */
export async function selected(
  template: unknown,
  { item, bindings }: { item: MapItem; bindings: Bindings },
): Promise<unknown> {
  if (template === undefined) return item.Key === undefined ? item.Value : { Key: item.Key, Value: item.Value };
  const states = bindings.states as { context: object };
  const context = { ...states.context, Map: { Item: item } };
  return evaluate(template, { ...bindings, states: { ...states, context } }, 'ItemSelector');
}
