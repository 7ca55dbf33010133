import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startProgram } from '../../../demo/program.ts';

const never = new AbortController().signal;

function start(source: string, { limitMs = 10_000, signal = never } = {}) {
  return startProgram(['-e', source], { name: 'the stack', limitMs, signal });
}

/** Whether a process runs; one that ended and that no one has taken note of (a zombie) does not. */
function lives(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

test('a program is ready with its first line, and gone when it was stopped', async () => {
  const program = await start('console.log(process.pid); console.log("more"); setInterval(() => {}, 1000)');
  const pid = Number(program.firstLine);
  expect(lives(pid)).toBe(true);
  await program.stop();
  expect(lives(pid)).toBe(false);
});

test('a program that ends before it is ready fails with its last words', async () => {
  await expect(start('console.error("port 4318 is in use"); process.exit(3)')).rejects.toThrow(
    'the stack ended with exit code 3\nport 4318 is in use',
  );
});

test('a program that never gets ready is stopped', async () => {
  await expect(start('setInterval(() => {}, 1000)', { limitMs: 300 })).rejects.toThrow('was not ready in time');
});

test('an interruption while it starts stops it', async () => {
  const controller = new AbortController();
  const starting = start('setInterval(() => {}, 1000)', { signal: controller.signal });
  await delay(100);
  controller.abort();
  await expect(starting).rejects.toThrow('was not ready in time');
});

test('what a program started and its temporary files go with it', async () => {
  const program = await start(`
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const folder = require('node:fs').mkdtempSync(require('node:os').tmpdir() + '/data-');
    console.log(JSON.stringify({ pid: child.pid, folder }));
    setInterval(() => {}, 1000)`);
  const { pid, folder } = JSON.parse(program.firstLine) as { pid: number; folder: string };
  expect([lives(pid), existsSync(folder)]).toEqual([true, true]);
  await program.stop();
  await expect.poll(() => lives(pid)).toBe(false);
  expect(existsSync(folder)).toBe(false);
});
