import { expect } from 'vitest';
import { dyingAt, dyingOften, type Fate } from './dying-process.ts';

type Run = (options: { readonly fate?: Fate }) => Promise<unknown>;

/** A run ends as it would without a death, at whichever of its calls a process dies; answers how many calls it makes. */
export async function outlivesEachDeath(run: Run, when: NonNullable<ReturnType<Fate>>): Promise<number> {
  let calls = 0;
  const count: Fate = () => {
    calls++;
    return undefined;
  };
  const expected = await run({ fate: count });
  for (let deadly = 1; deadly <= calls; deadly++) {
    const fate = dyingAt(deadly, when);
    expect(await run({ fate }), `death ${when} call ${deadly} of ${calls}`).toEqual(expected);
  }
  return calls;
}

/** And where they die again and again. */
export async function outlivesManyDeaths(run: Run): Promise<void> {
  const expected = await run({});
  for (const seed of [1, 2, 3]) expect(await run({ fate: dyingOften(seed) }), `seed ${seed}`).toEqual(expected);
}
