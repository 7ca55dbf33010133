import type { Clock } from '../../domain/ports.ts';

/** A caller that tries names must not fill the memory. */
const maxRemembered = 10_000;

/** A look-up whose answers are remembered as long as each is good for. One that fails is not. */
export function remembering<Value>(
  lookUp: (key: string) => Promise<Value>,
  { forMs, now }: { forMs: (value: Value) => number; now: Clock },
): (key: string) => Promise<Value> {
  const remembered = new Map<string, { value: Value; until: number }>();
  return async (key) => {
    const entry = remembered.get(key);
    if (entry && entry.until > now()) return entry.value;
    const value = await lookUp(key);
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(key, { value, until: now() + forMs(value) });
    return value;
  };
}
