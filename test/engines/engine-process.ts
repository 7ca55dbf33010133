import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const enginesFolder = join(import.meta.dirname, '../../.engines');

export interface Engine {
  /** http://127.0.0.1:<port> */
  readonly endpoint: string;
  stop(): Promise<void>;
}

export interface EngineCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** The folder that `test/engines/install.sh` filled. Throws where it did not: the strict tier never skips. */
export function installedEngine(name: string): string {
  const folder = join(enginesFolder, name);
  if (existsSync(join(folder, '.complete'))) return folder;
  throw new Error(`engine ${name} is not installed: run test/engines/install.sh`);
}

/** Starts an engine on a free port of this machine and waits until `isReady` has answered without an error, at most 60 s. */
export async function startEngine(
  toCommand: (port: number) => EngineCommand,
  isReady: (endpoint: string) => Promise<unknown>,
): Promise<Engine> {
  const port = await freePort();
  const { command, args } = toCommand(port);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collectOutput(child);
  // A test run that ends without its hooks leaves no engine behind.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    await stopChild(child);
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await waitUntilReady(() => isReady(endpoint), child);
  } catch (cause) {
    await stop();
    throw new Error(`${command} did not become ready; it wrote: ${output()}`, { cause });
  }
  return { endpoint, stop };
}

async function waitUntilReady(isReady: () => Promise<unknown>, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      await isReady();
      return;
    } catch (error) {
      if (child.exitCode !== null || child.pid === undefined || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const forced = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exited;
  clearTimeout(forced);
}

/** The last 4,000 characters that the engine wrote, or why it could not be started. */
function collectOutput(child: ChildProcess): () => string {
  let text = '';
  const add = (more: unknown) => {
    text = `${text}${String(more)}`.slice(-4_000);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  child.on('error', add);
  return () => text;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
