import type { ItemBatcher } from './definition.ts';
import { type Bindings, evaluate, evaluateInteger } from './expressions.ts';
import { maxPayloadBytes, payloadText } from './state-error.ts';

/** What a child is given, as JSON, and how many items that is. */
export interface ChildInput {
  readonly input: string;
  readonly items: number;
}

/**
 * The children's inputs: each item, or batches of them that keep to both limits; whichever is reached first ends a batch. Source: Step
 * Functions developer guide, "ItemBatcher (Map)".
 */
export async function childInputs(
  values: readonly unknown[],
  { batcher, bindings, name }: { batcher: ItemBatcher | undefined; bindings: Bindings; name: string },
): Promise<readonly ChildInput[]> {
  if (!batcher) return values.map((value) => ({ input: payloadText(value, name), items: 1 }));
  const integer = (field: 'MaxItemsPerBatch' | 'MaxInputBytesPerBatch') =>
    evaluateInteger(batcher[field] ?? 0, bindings, `ItemBatcher/${field}`);
  const maxItems = (await integer('MaxItemsPerBatch')) || Number.POSITIVE_INFINITY;
  const maxBytes = Math.min((await integer('MaxInputBytesPerBatch')) || maxPayloadBytes, maxPayloadBytes);
  const shared =
    batcher.BatchInput === undefined
      ? {}
      : { BatchInput: await evaluate(batcher.BatchInput, bindings, 'ItemBatcher/BatchInput') };
  const empty = Buffer.byteLength(JSON.stringify({ ...shared, Items: [] }));
  return batchesOf(values, { maxItems, maxBytes: maxBytes - empty }).map((batch) => ({
    input: payloadText({ ...shared, Items: batch }, name),
    items: batch.length,
  }));
}

function batchesOf(
  values: readonly unknown[],
  { maxItems, maxBytes }: { maxItems: number; maxBytes: number },
): readonly (readonly unknown[])[] {
  const batches: unknown[][] = [];
  let bytes = 0;
  for (const value of values) {
    const size = Buffer.byteLength(JSON.stringify(value));
    const batch = batches.at(-1);
    if (batch && batch.length < maxItems && bytes + 1 + size <= maxBytes) {
      batch.push(value);
      bytes += 1 + size;
    } else {
      batches.push([value]);
      bytes = size;
    }
  }
  return batches;
}
