import { constants, fstatSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { cutNetwork, limitMemory } from './confine.ts';

// A process that runs one scorer on one trace and ends. Its parent starts it without environment, without the right to make code from
// texts, to read files but those it needs, or to start anything (see python-process.ts).
const [mode = '', pyodideFolder = '', memoryBytes = '0'] = process.argv.slice(2);
/** An open file without a name: nobody has to clear it away, and nobody else finds it. Who runs a scorer can only read it. */
const snapshot = 3;
const own = (name: string) => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8');

limitMemory(Number(memoryBytes));
cutNetwork();
// Emscripten asks it for the flags of open(2) when it starts; the permission model of Node refuses it as a whole.
(process as { binding?: unknown }).binding = () => ({ fs: constants });

const { loadPyodide } = (await import(`${pyodideFolder}/pyodide.mjs`)) as typeof import('pyodide');
const options = {
  indexURL: pyodideFolder,
  jsglobals: Object.freeze(Object.create(null) as object),
  env: { HOME: '/home/scorer', _: 'scorer' },
  stdin: () => null,
  stdout: () => undefined,
  stderr: () => undefined,
};

if (mode === 'snapshot') {
  const pyodide = await loadPyodide({ ...options, _makeSnapshot: true });
  pyodide.runPython(`${own('./mlflow_shim.py')}\n${own('./runner.py')}`);
  writeFileSync(snapshot, pyodide.makeMemorySnapshot());
} else {
  await runOne();
}

async function runOne(): Promise<void> {
  const pyodide = await loadPyodide({ ...options, _loadSnapshot: readSnapshot() });
  const run = pyodide.globals.get('run') as (job: string) => string;
  for (const name of ['js', 'pyodide_js']) pyodide.unregisterJsModule(name);
  // Not by runPython, whose own module is gone when it returns.
  (pyodide.globals.get('seal') as () => void)();
  const { stdin, stdout } = process;
  stdout.write('ready\n');
  const job = await text(stdin);
  const { now } = JSON.parse(job) as { now: number };
  // The time of the trace is all the time there is; what measures durations is left alone.
  Date.now = () => now;
  const exit = process.exit.bind(process);
  seal();
  stdout.write(answerOf(run, job), () => exit(0));
}

/** By position: all children share one offset. */
function readSnapshot(): Uint8Array {
  const bytes = new Uint8Array(fstatSync(snapshot).size);
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(snapshot, bytes, at, bytes.length - at, at);
    if (read === 0) throw new Error('the snapshot ended early');
    at += read;
  }
  return bytes;
}

function answerOf(run: (job: string) => string, job: string): string {
  try {
    return run(job);
  } catch (error) {
    // The interpreter itself broke: V8's stack ended before Python's, say.
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: '' };
    return JSON.stringify({ thrown: { name, message: message.slice(0, 2_000), stack: '' } });
  }
}

/** Should Python reach JavaScript in spite of everything, there is nothing left to call. */
function seal(): void {
  for (const name of [
    'fetch',
    'WebSocket',
    'EventSource',
    'XMLHttpRequest',
    'Worker',
    'navigator',
    'require',
    'process',
  ])
    Reflect.deleteProperty(globalThis, name);
}
