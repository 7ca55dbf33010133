import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface PythonFiles {
  /** The program of the child process; the Python files lie beside it. */
  readonly child: URL;
  /** The folder of Pyodide's files. */
  readonly pyodide: URL;
}

export interface PythonStart {
  readonly mode: 'snapshot' | 'run';
  readonly memoryBytes: number;
  /**
   * Descriptor of the file that holds the snapshot of a started interpreter, or is to hold it; the child's descriptor 3. Who runs users' code
   * may only be able to read it.
   */
  readonly snapshot: number;
}

/** Heap of V8; the interpreter's own memory lies outside it. */
const heapMb = 128;

/**
 * A process in which Python runs. Nothing in it can read the environment (there is none), make JavaScript from texts, read a file but
 * its own, write one, or start a process or a thread, whatever becomes of the interpreter.
 */
export function startPython(
  { child, pyodide }: PythonFiles,
  { mode, memoryBytes, snapshot }: PythonStart,
): ChildProcessWithoutNullStreams {
  const program = fileURLToPath(child);
  const pyodideFolder = fileURLToPath(pyodide).replace(/\/$/, '');
  const ownFolder = fileURLToPath(new URL('.', child));
  const args = [
    '--permission',
    `--allow-fs-read=${ownFolder}*`,
    `--allow-fs-read=${pyodideFolder}/*`,
    '--disallow-code-generation-from-strings',
    `--max-old-space-size=${heapMb}`,
    '--disable-warning=ExperimentalWarning',
    program,
    mode,
    pyodideFolder,
    String(memoryBytes),
  ];
  return spawn(process.execPath, args, {
    env: {},
    stdio: ['pipe', 'pipe', 'pipe', snapshot],
  }) as ChildProcessWithoutNullStreams;
}
