import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const all = ['3.18.0', '3.17.2', '3.14.0', '3.10.1', '3.9.0', 'tracing-3.17.2'] as const;

export type Client = (typeof all)[number];

/** Those that are named in ASSAY_TEST_CLIENTS, with commas between; all, where it is not set. */
export const clients: readonly Client[] = all.filter(
  (client) => process.env.ASSAY_TEST_CLIENTS?.split(',').includes(client) ?? true,
);

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

interface Program {
  /** Arguments of python, which finds the modules of this folder. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs a program in an environment of `install.sh`, in a folder of its own, with nothing of our own environment but the path. */
export async function runPython(name: string, { args, environment }: Program): Promise<Ended> {
  const python = join(import.meta.dirname, '../../.clients', name, 'bin/python');
  if (!existsSync(python)) throw new Error(`client ${name} is not installed: run test/clients/install.sh`);
  const folder = mkdtempSync(join(tmpdir(), 'assay-client-'));
  const began = performance.now();
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    PYTHONPATH: import.meta.dirname,
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONWARNINGS: 'ignore',
    ...environment,
  };
  try {
    const child = spawn(python, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { exitCode, ...output, seconds: (performance.now() - began) / 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
