import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportRequest, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { type LocalProcess, localCommand, startLocalCommand } from '../support/local-command.ts';

const children: ChildProcess[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(...args: readonly string[]): Promise<LocalProcess> {
  const started = await startLocalCommand(...args);
  children.push(started.child);
  return started;
}

async function interrupt(child: ChildProcess): Promise<number | null> {
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const [code] = await ended;
  return code;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('tells where it is in one line, stops on an interrupt, and finds what it kept', async () => {
  const first = await start('--port', '0', '--data', folder);
  expect(first.ready.pid).toBe(first.child.pid);
  expect((await fetch(`${first.ready.url}/health`)).status).toBe(200);
  const traceId = traceIdOf(7);
  const sent = await fetch(`${first.ready.url}/v1/traces`, {
    method: 'POST',
    headers: { authorization: `Bearer ${first.ready.ingest_key}`, 'content-type': 'application/json' },
    body: JSON.stringify(exportRequest([{ traceId, spanId: spanIdOf(0), name: 'kept', start: 0, end: 1 }])),
  });
  expect(sent.status).toBe(200);
  // Not even indexed yet: what was acknowledged lies in a queue that is kept, too.
  expect(await interrupt(first.child)).toBe(0);
  expect(isRunning(first.ready.pid)).toBe(false);

  const second = await start('--port', '0', '--data', folder);
  expect(second.ready.admin_key).toBe(first.ready.admin_key);
  await fetch(`${second.ready.endpoint}/_local/drain`);
  const found = await fetch(`${second.ready.url}/api/3.0/mlflow/traces/get?trace_id=tr-${traceId}`, {
    headers: { authorization: `Bearer ${second.ready.admin_key}` },
  });
  expect(await found.json()).toMatchObject({ trace: { spans: [{ name: 'kept' }] } });
  expect(await interrupt(second.child)).toBe(0);
});

it('says that a port is taken, and ends', async () => {
  const { child, ready } = await start('--port', '0');
  const second = spawn(process.execPath, [localCommand, '--port', new URL(ready.url).port], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(second);
  let said = '';
  second.stderr.on('data', (text) => {
    said += text;
  });
  const [code] = await once(second, 'exit');
  expect([code, said]).toEqual([1, expect.stringMatching(/port \d+ is in use: choose another with --port/)]);
  await interrupt(child);
});
