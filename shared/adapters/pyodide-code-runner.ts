import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PythonCode } from '../domain/code/code-definition.ts';
import {
  type CodeAnswer,
  type CodeInput,
  codeErrors,
  maxResultLength,
  type RunCode,
  SandboxUnavailableError,
} from '../domain/code/run-code.ts';
import { type PythonFiles, type PythonStart, startPython } from './pyodide/python-process.ts';

export interface PythonSandbox {
  readonly run: RunCode<PythonCode>;
  /** Ends its processes. */
  close(): Promise<void>;
}

export interface PythonLimits {
  /** Of one call, wall clock, once the interpreter stands ready. */
  readonly milliseconds: number;
  /** Of the interpreter, its own 40 MB included. */
  readonly memoryBytes: number;
}

const defaultLimits: PythonLimits = { milliseconds: 10_000, memoryBytes: 384 * 1024 * 1024 };
/** Of wall clock for an interpreter to start from its snapshot; it takes a third of a second. */
const startMs = 15_000;
/** Characters that are not ASCII are escaped, six characters for two bytes. */
const maxAnswerBytes = maxResultLength * 3;

/**
 * Runs Python in Pyodide, every call in a process of its own that starts from a snapshot of an interpreter and is never used again. The
 * next one starts while nobody waits for it.
 */
export async function pyodideCodeRunner(
  files: PythonFiles,
  { limits = defaultLimits }: { limits?: PythonLimits } = {},
): Promise<PythonSandbox> {
  const { writable, readable: snapshot } = openUnnamedFile();
  await makeSnapshot(files, { mode: 'snapshot', snapshot: writable, memoryBytes: limits.memoryBytes });
  closeSync(writable);
  const start = () =>
    new Interpreter(startPython(files, { mode: 'run', snapshot, memoryBytes: limits.memoryBytes }), limits);
  let spare: Interpreter | undefined = start();
  return {
    run: async (code, input) => {
      const interpreter = spare ?? start();
      spare = undefined;
      try {
        return await interpreter.run(code, input);
      } finally {
        spare ??= start();
      }
    },
    close: async () => {
      await spare?.kill();
      closeSync(snapshot);
    },
  };
}

/**
 * Gone with the last process that has it open, however that ends. Opened twice: the permission model of Node lets open descriptors be, and
 * users' code must not have one through which it could write into the interpreters of all later calls.
 */
function openUnnamedFile(): { writable: number; readable: number } {
  const folder = mkdtempSync(join(tmpdir(), 'python-'));
  const file = join(folder, 'snapshot');
  const [writable, readable] = [openSync(file, 'wx'), openSync(file, 'r')];
  rmSync(folder, { recursive: true });
  return { writable, readable };
}

async function makeSnapshot(files: PythonFiles, start: PythonStart): Promise<void> {
  const child = startPython(files, start);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the interpreter of Python did not start: ${said.slice(-2_000)}`);
}

/** One process, for one call. */
class Interpreter {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #limits: PythonLimits;
  readonly #exited: Promise<unknown>;
  readonly #ready = Promise.withResolvers<boolean>();
  #answer = '';
  #errors = '';
  #isReady = false;
  #end: 'timeout' | 'too-long' | undefined;

  constructor(child: ChildProcessWithoutNullStreams, limits: PythonLimits) {
    this.#limits = limits;
    this.#child = child;
    this.#exited = once(this.#child, 'close').catch(() => undefined);
    this.#child.on('error', () => this.#ready.resolve(false));
    this.#child.on('exit', () => this.#ready.resolve(false));
    // A process that ended cannot be told any more: its end is the answer.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2_000);
    });
  }

  async run({ source, signature, functionName }: PythonCode, input: CodeInput): Promise<CodeAnswer> {
    const starting = setTimeout(() => this.#child.kill('SIGKILL'), startMs);
    const isReady = await this.#ready.promise;
    clearTimeout(starting);
    if (!isReady) throw new SandboxUnavailableError(`the interpreter of Python did not start: ${this.#errors}`);
    const running = setTimeout(() => this.#kill('timeout'), this.#limits.milliseconds);
    const { inputs, outputs, expectations, trace, now, seed } = input;
    this.#child.stdin.end(
      JSON.stringify({ source, signature, name: functionName, inputs, outputs, expectations, trace, now, seed }),
    );
    await this.#exited;
    clearTimeout(running);
    return this.#toAnswer();
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #kill(why: 'timeout' | 'too-long'): void {
    this.#end ??= why;
    this.#child.kill('SIGKILL');
  }

  #read(text: string): void {
    this.#answer += text;
    if (!this.#isReady && this.#answer.startsWith('ready\n')) {
      this.#isReady = true;
      this.#answer = this.#answer.slice('ready\n'.length);
      this.#ready.resolve(true);
    }
    if (this.#answer.length > maxAnswerBytes) this.#kill('too-long');
  }

  #toAnswer(): CodeAnswer {
    const { milliseconds, memoryBytes } = this.#limits;
    const failed = (code: string, message: string, stack = ''): CodeAnswer => ({
      error: { code, message: message.slice(0, 2_000), ...(stack && { stackTrace: stack.slice(-10_000) }) },
    });
    if (this.#end === 'timeout') return failed(codeErrors.timeout, `the scorer did not end within ${milliseconds} ms`);
    if (this.#end === 'too-long')
      return failed(codeErrors.invalidResult, `the result has more than ${maxResultLength} characters of JSON`);
    if (this.#answer.startsWith('{"returned":')) return { returned: this.#answer.slice('{"returned":'.length, -1) };
    const said = readEnding(this.#answer);
    if (said.thrown) {
      const { name = '', message = '', stack } = said.thrown;
      return failed(codeErrors.threw, [name, message].filter(Boolean).join(': '), stack);
    }
    if (said.invalid !== undefined) return failed(codeErrors.invalidResult, said.invalid);
    if (said.memory || /out of memory/i.test(this.#errors))
      return failed(codeErrors.memory, `the scorer needed more than ${memoryBytes / 2 ** 20} MiB`);
    return failed(codeErrors.threw, 'the interpreter of Python ended without an answer');
  }
}

interface Said {
  readonly thrown?: { readonly name?: string; readonly message?: string; readonly stack?: string };
  readonly invalid?: string;
  readonly memory?: boolean;
}

/** The process belongs to the code that ran in it: what it says may be anything. */
function readEnding(answer: string): Said {
  try {
    const { thrown, invalid, memory } = JSON.parse(answer) as Record<string, unknown>;
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const { name, message, stack } = (thrown ?? {}) as Record<string, unknown>;
    return {
      ...(thrown !== undefined && { thrown: { name: text(name), message: text(message), stack: text(stack) } }),
      ...(invalid !== undefined && { invalid: text(invalid) }),
      memory: memory === true,
    };
  } catch {
    return {};
  }
}
