import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const localCommand = join(import.meta.dirname, '../../local/bin/local.ts');

/** What `npm run local -- --json` says when it is ready. */
interface Ready {
  readonly url: string;
  readonly admin_key: string;
  readonly ingest_key: string;
  readonly pid: number;
  readonly endpoint: string;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface LocalProcess {
  readonly child: ChildProcess;
  readonly ready: Ready;
}

/** The local stack in a process of its own, which a test can kill. */
export async function startLocalCommand(...args: readonly string[]): Promise<LocalProcess> {
  const child = spawn(process.execPath, [localCommand, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (process.env.ASSAY_TEST_LOG) child.stderr?.pipe(process.stderr);
  else child.stderr?.resume();
  const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line');
  return { child, ready: JSON.parse(line) };
}

/** Without a chance to put anything in order. */
export async function killed({ child }: LocalProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
