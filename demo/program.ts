import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Program {
  /** Of its standard output: by it the program says that it is ready. */
  readonly firstLine: string;
  /** The last lines of its log (standard error), as they come. */
  readonly log: readonly string[];
  /** Asks it to end, and ends it with all it started where it does not. */
  stop(): Promise<void>;
}

/** Lines of the log that are told when it fails. */
const lastLines = 15;
const stopLimitMs = 15_000;

/**
 * Runs Node with `args` and waits for the first line of output, until the limit or until `signal` aborts.
 * The program gets a process group of its own: Ctrl-C reaches the demo alone, which then ends it in order.
 * Throws an error that holds what it last said where it does not get ready.
 */
export async function startProgram(
  args: readonly string[],
  { name, limitMs, signal }: { name: string; limitMs: number; signal: AbortSignal },
): Promise<Program> {
  // Its temporary files are in one place: one that is stopped while it starts leaves some behind.
  const folder = await mkdtemp(join(tmpdir(), 'assay-demo-'));
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env });
  const killOnExit = () => signalGroup(child, 'SIGKILL');
  process.once('exit', killOnExit);
  const stop = async () => {
    await stopChild(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    process.off('exit', killOnExit);
  };
  const log = tailOf(child);
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    return { firstLine: await readFirstLine(child, limit), log, stop };
  } catch (error) {
    await stop();
    throw new Error(`${name} ${(error as Error).message}\n${log.join('\n')}`, { cause: error });
  }
}

function readFirstLine(child: ChildProcess, limit: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    limit.addEventListener('abort', () => reject(new Error('was not ready in time')));
    child.once('error', ({ message }) => reject(new Error(`could not be started: ${message}`)));
    // Not `exit`: its last words may still be in the pipe then.
    child.once('close', (code) => reject(new Error(`ended with exit code ${code}`)));
    if (child.stdout) createInterface(child.stdout).once('line', resolve);
  });
}

/** Reads the log for good: a pipe that no one reads would stop its writer. */
function tailOf(child: ChildProcess): readonly string[] {
  const lines: string[] = [];
  if (child.stderr)
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line);
      if (lines.length > lastLines) lines.shift();
    });
  return lines;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), stopLimitMs);
    await ended;
    clearTimeout(timer);
  }
  // What it started and left, such as a synthesis that was under way.
  signalGroup(child, 'SIGKILL');
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It is gone already, which is what was wanted.
  }
}
