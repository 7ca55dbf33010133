import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FunctionPool } from '../../../local/lambda/function-pool.ts';

let folder: string;
const pools: FunctionPool[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
  rmSync(folder, { recursive: true, force: true });
});

function poolOf(source: string, { timeoutSeconds = 10, maxConcurrency = 1 } = {}): FunctionPool {
  writeFileSync(join(folder, 'index.mjs'), `export const handler = ${source};`);
  const environment = { GREETING: 'hello' };
  const limits = { timeoutSeconds, memoryMb: 128, maxConcurrency };
  const pool = new FunctionPool(
    { name: 'sample', folder, handler: 'index.handler', environment, ...limits },
    () => undefined,
  );
  pools.push(pool);
  return pool;
}

describe('a function', () => {
  it('runs with its own environment and no other', async () => {
    const pool = poolOf('async () => process.env');
    expect(await pool.invoke({})).toMatchObject({ GREETING: 'hello' });
    expect(await pool.invoke({})).not.toHaveProperty('HOME');
  });

  it('takes one invocation at a time in a process', async () => {
    const pool = poolOf(
      `(() => { let running = 0; return async () => { running++; await new Promise((r) => setTimeout(r, 20)); return running--; }; })()`,
      { maxConcurrency: 2 },
    );
    expect(await Promise.all([1, 2, 3, 4, 5].map((n) => pool.invoke(n)))).toEqual([1, 1, 1, 1, 1]);
    expect(pool.pids.length).toBe(2);
  });

  it('fails by its own error, and goes on', async () => {
    const pool = poolOf(`async (event) => { if (event.bad) throw new TypeError('no good'); return 'good'; }`);
    await expect(pool.invoke({ bad: true })).rejects.toMatchObject({
      reason: 'error',
      message: expect.stringMatching(/TypeError: no good/),
    });
    expect(await pool.invoke({})).toBe('good');
  });

  it('is stopped at its timeout, and the next invocation finds a new process', async () => {
    const pool = poolOf('async (event) => event.hang ? new Promise(() => setInterval(() => {}, 1000)) : process.pid', {
      timeoutSeconds: 1,
    });
    const first = await pool.invoke({});
    await expect(pool.invoke({ hang: true })).rejects.toMatchObject({ reason: 'timeout' });
    expect(await pool.invoke({})).not.toBe(first);
  });

  it('loses what it was doing when its process is killed, and nothing else', async () => {
    const pool = poolOf('async (event) => event.hang ? new Promise(() => setInterval(() => {}, 1000)) : process.pid');
    const first = await pool.invoke({});
    const lost = pool.invoke({ hang: true });
    const waiting = pool.invoke({});
    pool.kill();
    await expect(lost).rejects.toMatchObject({ reason: 'crash' });
    expect(await waiting).not.toBe(first);
    // Idle ones too: whoever calls next does not notice.
    pool.kill();
    expect(await pool.invoke({})).toEqual(expect.any(Number));
  });

  it('fails when it answers more than Lambda takes', async () => {
    const pool = poolOf('async (event) => "x".repeat(event.length)');
    expect(await pool.invoke({ length: 6_000_000 })).toHaveLength(6_000_000);
    await expect(pool.invoke({ length: 6_300_000 })).rejects.toMatchObject({
      reason: 'error',
      message: expect.stringMatching(/ResponseSizeTooLarge: response of 6300002 bytes/),
    });
  });

  it('fails when it cannot be loaded', async () => {
    const pool = poolOf('(() => { throw new Error("no table"); })()');
    await expect(pool.invoke({})).rejects.toMatchObject({ reason: 'crash' });
  });
});
