import { expect, it } from 'vitest';
import { takingRoom } from '../../../shared/domain/in-parallel.ts';

/** Tasks that end when they are told to; `running` holds the sizes of those that run. */
function aRoom(limit: number) {
  const inRoom = takingRoom(limit);
  const running: number[] = [];
  const ends: (() => void)[] = [];
  const enter = (size: number) =>
    inRoom(size, async () => {
      running.push(size);
      await new Promise<void>((resolve) => ends.push(resolve));
      running.splice(running.indexOf(size), 1);
    });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { enter, running, ends, settled };
}

it('what fits runs at once, the rest when there is room, in the order in which it came', async () => {
  const { enter, running, ends, settled } = aRoom(10);
  const all = [4, 5, 3, 1].map(enter);
  await settled();
  expect(running).toEqual([4, 5]);
  ends[0]?.();
  await settled();
  expect(running).toEqual([5, 3, 1]);
  for (const end of ends) end();
  await Promise.all(all);
  expect(running).toEqual([]);
});

it('what is larger than the room runs alone, and what failed leaves its place', async () => {
  const inRoom = takingRoom(10);
  const { enter, running, ends, settled } = aRoom(10);
  const all = [2, 50, 2].map(enter);
  await settled();
  expect(running).toEqual([2]);
  ends[0]?.();
  await settled();
  expect(running).toEqual([50]);
  ends[1]?.();
  await settled();
  expect(running).toEqual([2]);
  ends[2]?.();
  await Promise.all(all);
  await expect(inRoom(10, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await inRoom(10, async () => 'yes')).toBe('yes');
});
