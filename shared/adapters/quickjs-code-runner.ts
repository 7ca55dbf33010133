import { Worker } from 'node:worker_threads';
import type { AssessmentError } from '../domain/assessment.ts';
import type { JavaScriptCode } from '../domain/code/code-definition.ts';
import {
  type CodeAnswer,
  type CodeInput,
  codeErrors,
  maxResultLength,
  type RunCode,
  SandboxUnavailableError,
} from '../domain/code/run-code.ts';
import { EndlessSources } from './quickjs/endless-sources.ts';
import type { Ending, Job, SandboxLimits } from './quickjs/interpreter.ts';

export interface JavaScriptSandbox {
  readonly run: RunCode<JavaScriptCode>;
  /** Ends its thread. */
  close(): Promise<void>;
}

const defaultLimits: SandboxLimits = {
  // Heuristics take microseconds; a tenth of a virtual CPU (the smallest function) must do for honest code, too.
  milliseconds: 1_000,
  // A trace of 5 MB is about five times as much as values of QuickJS.
  memoryBytes: 64 * 1024 * 1024,
  resultLength: maxResultLength,
};
/** Given to QuickJS's own limits to take effect before the thread is ended. */
const graceMs = 250;
/** Of wall clock for a thread that has not answered at all yet: it loads the interpreter first. */
const startMs = 5_000;
/**
 * For its turn. The traces of a batch wait side by side, and the whole batch comes back, much later, where its function is cut off after two
 * minutes: better that one call is tried again.
 */
const longestWaitMs = 30_000;

/**
 * Runs JavaScript in QuickJS in a thread of its own, one call after the other; the thread starts with the first call and is ended when
 * a call does not end by itself. It sees no environment. Refuses a call that has waited too long for its turn.
 */
export function quickjsCodeRunner(
  worker: URL,
  { limits = defaultLimits, now = () => performance.now() }: { limits?: SandboxLimits; now?: () => number } = {},
): JavaScriptSandbox {
  const endless = new EndlessSources(now);
  let thread: Thread | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const runNow = async (job: Job): Promise<Ending> => {
    // It may also have ended while nobody waited for it.
    if (thread === undefined || thread.isEnded) thread = new Thread(worker);
    return thread.run(job);
  };
  const inTurn = async (job: Job, askedAt: number): Promise<CodeAnswer> => {
    if (endless.has(job.source)) return { error: notRun(limits) };
    if (now() - askedAt > longestWaitMs)
      throw new SandboxUnavailableError(`other scorers kept the sandbox busy for ${longestWaitMs} ms`);
    const ending = await runNow(job);
    endless.note(job.source, { isTimeout: ending.kind === 'timeout' });
    return toAnswer(ending, limits);
  };
  return {
    run: async ({ source }, input: CodeInput) => {
      const askedAt = now();
      const turn = last.then(() => inTurn({ source, input, limits }, askedAt));
      last = turn.catch(() => undefined);
      return turn;
    },
    close: async () => {
      await thread?.close();
      thread = undefined;
    },
  };
}

class Thread {
  readonly #worker: Worker;
  #isReady = false;
  #finish: (ending: Ending) => void = () => undefined;
  isEnded = false;

  constructor(url: URL) {
    this.#worker = new Worker(url, {
      env: {},
      execArgv: [],
      // Deep recursion in QuickJS is recursion in V8: with a larger stack it is QuickJS that notices.
      resourceLimits: { maxOldGenerationSizeMb: 128, stackSizeMb: 16 },
    });
    this.#worker.on('message', (ending: Ending) => {
      this.#isReady = true;
      this.#finish(ending);
    });
    // The thread itself ran out of memory, or the interpreter broke.
    this.#worker.on('error', (error) => this.#end(brokenBy(error)));
    this.#worker.on('exit', () => this.#end({ kind: 'memory' }));
    // An idle sandbox keeps no process alive; a call does, by its timer.
    this.#worker.unref();
  }

  run(job: Job): Promise<Ending> {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    const patience = job.limits.milliseconds + graceMs + (this.#isReady ? 0 : startMs);
    let last: NodeJS.Immediate | undefined;
    // Timers come before messages: where this thread was busy, the answer may be there and not have been read.
    const timer = setTimeout(() => {
      last = setImmediate(() => this.#end({ kind: 'timeout' }));
    }, patience);
    this.#finish = (ending) => {
      clearTimeout(timer);
      clearImmediate(last);
      resolve(ending);
    };
    this.#worker.postMessage(job);
    return promise;
  }

  async close(): Promise<void> {
    this.isEnded = true;
    await this.#worker.terminate();
  }

  #end(ending: Ending): void {
    this.#finish(ending);
    void this.close();
  }
}

function brokenBy(error: Error & { code?: string }): Ending {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') return { kind: 'memory' };
  return { kind: 'threw', name: error.name, message: error.message, stack: '' };
}

function toAnswer(ending: Ending, limits: SandboxLimits): CodeAnswer {
  if (ending.kind === 'returned') return { returned: ending.json };
  return { error: toError(ending, limits) };
}

const tooSlow = ({ milliseconds }: SandboxLimits) => `the scorer did not end within ${milliseconds} ms`;

function notRun(limits: SandboxLimits): AssessmentError {
  const message = `${tooSlow(limits)} on several traces in a row: it was not run on this one`;
  return { code: codeErrors.timeout, message };
}

const maxMessage = 2_000;
const maxStack = 10_000;

function toError(ending: Exclude<Ending, { kind: 'returned' }>, limits: SandboxLimits): AssessmentError {
  switch (ending.kind) {
    case 'threw': {
      const message = [ending.name, ending.message].filter(Boolean).join(': ').slice(0, maxMessage);
      return {
        code: codeErrors.threw,
        message: message || 'the scorer threw',
        ...(ending.stack && { stackTrace: ending.stack.slice(0, maxStack) }),
      };
    }
    case 'invalid':
      return { code: codeErrors.invalidResult, message: ending.message.slice(0, maxMessage) };
    case 'unsettled':
      return {
        code: codeErrors.threw,
        message: 'the promise that the scorer returned never settles: nothing is left to run',
      };
    case 'timeout':
      return { code: codeErrors.timeout, message: tooSlow(limits) };
    case 'memory':
      return { code: codeErrors.memory, message: `the scorer needed more than ${limits.memoryBytes / 2 ** 20} MiB` };
  }
}
