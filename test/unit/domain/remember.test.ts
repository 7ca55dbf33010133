import { expect, it, vi } from 'vitest';
import { remember } from '../../../shared/domain/remember.ts';

function aMemory() {
  let time = 0;
  const memory = remember<string>({ forMs: 1_000, atMost: 2, now: () => time });
  const lookUp = vi.fn(async () => `at ${time}`);
  const pass = (ms: number) => {
    time += ms;
  };
  return { memory, lookUp, pass };
}

it('looks up once for all who ask within the time, and again after it', async () => {
  const { memory, lookUp, pass } = aMemory();
  const [first, second] = [memory.recall('a', lookUp), memory.recall('a', lookUp)];
  pass(999);
  expect(await Promise.all([first, second, memory.recall('a', lookUp)])).toEqual(['at 0', 'at 0', 'at 0']);
  pass(1);
  expect(await memory.recall('a', lookUp)).toBe('at 1000');
  expect(lookUp).toHaveBeenCalledTimes(2);
});

it('looks up again what was forgotten, and what failed', async () => {
  const { memory, lookUp } = aMemory();
  await memory.recall('a', lookUp);
  memory.forget('a');
  await memory.recall('a', lookUp);
  expect(lookUp).toHaveBeenCalledTimes(2);
  const fails = () => Promise.reject(new Error('not now'));
  await expect(memory.recall('b', fails)).rejects.toThrow('not now');
  expect(await memory.recall('b', lookUp)).toBe('at 0');
});

it('holds no more keys than it may', async () => {
  const { memory, lookUp } = aMemory();
  for (const key of ['a', 'b', 'c']) await memory.recall(key, lookUp);
  await memory.recall('c', lookUp);
  expect(lookUp).toHaveBeenCalledTimes(3);
  await memory.recall('a', lookUp);
  expect(lookUp).toHaveBeenCalledTimes(4);
});
