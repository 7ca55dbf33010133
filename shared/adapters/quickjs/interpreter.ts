import variant from '@jitl/quickjs-singlefile-mjs-release-sync';
import {
  type CustomizeVariantOptions,
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { CodeInput } from '../../domain/code/run-code.ts';
import { guest } from './guest.ts';

export interface SandboxLimits {
  /** Of one call, wall clock. */
  readonly milliseconds: number;
  /** Of the interpreter with all that a call holds, its trace included; 16 MiB at least. */
  readonly memoryBytes: number;
  /** Longest result, characters of JSON. */
  readonly resultLength: number;
}

export interface Job {
  readonly source: string;
  readonly input: CodeInput;
  readonly limits: SandboxLimits;
}

/** What a call ended with; texts come from the user's code, as they are. */
export type Ending =
  | { readonly kind: 'returned'; readonly json: string }
  | { readonly kind: 'threw'; readonly name: string; readonly message: string; readonly stack: string }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'unsettled' | 'timeout' | 'memory' };

/** Far below what the thread's own stack bears (`stackSizeMb` in quickjs-code-runner.ts): QuickJS must notice first. */
const stackBytes = 256 * 1024;
const jobsAtOnce = 100;

/** QuickJS in WebAssembly. Every call has a runtime of its own, so that nothing of one reaches the next. */
export class Interpreter {
  #instance: Instance | undefined;

  async run(job: Job): Promise<Ending> {
    this.#instance ??= await newInstance(job.limits);
    const { module, memory } = this.#instance;
    let ending: Ending;
    let isSound = false;
    try {
      const call = new Call(module.newRuntime(), job);
      ending = call.run();
      // An instance that ran out of anything is not trusted with the next call.
      isSound = ending.kind !== 'timeout' && ending.kind !== 'memory' && call.dispose();
    } catch (error) {
      // V8's stack ended before QuickJS's did, or the interpreter could not even begin.
      ending = { kind: 'threw', name: internalError, message: error instanceof Error ? error.message : '', stack: '' };
    }
    if (!isSound) this.#instance = undefined;
    return diagnosed(ending, { usedBytes: memory.buffer.byteLength, limits: job.limits });
  }
}

interface Instance {
  readonly module: QuickJSWASMModule;
  readonly memory: { readonly buffer: { readonly byteLength: number } };
}

/** Where QuickJS has no memory left for an error object, it throws null, or stumbles. */
function diagnosed(ending: Ending, { usedBytes, limits }: { usedBytes: number; limits: SandboxLimits }): Ending {
  const isStrange = ending.kind === 'threw' && (ending.name === internalError || ending.message === 'null');
  return isStrange && usedBytes > limits.memoryBytes * almost ? { kind: 'memory' } : ending;
}

const internalError = 'InternalError';
/** Emscripten asks for more than it needs, and stops where that is not to be had. */
const almost = 0.75;

const pageBytes = 65_536;
/** Emscripten's, which the module was linked for. */
const initialPages = 256;

/**
 * The limit is the engine's: compiled with Emscripten, QuickJS cannot tell the size of what it has allocated, and its own limit
 * (`setMemoryLimit`) lets gigabytes pass.
 */
async function newInstance({ memoryBytes }: SandboxLimits): Promise<Instance> {
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: MemoryConstructor } }).WebAssembly;
  const wasmMemory = new Memory({ initial: initialPages, maximum: Math.max(initialPages, memoryBytes / pageBytes) });
  return { module: await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory })), memory: wasmMemory };
}

/** `@types/node` knows WebAssembly by name only. */
type MemoryConstructor = new (descriptor: {
  initial: number;
  maximum: number;
}) => Instance['memory'] & CustomizeVariantOptions['wasmMemory'];

class Call {
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #job: Job;
  readonly #endsAt: number;
  #step: QuickJSHandle | undefined;

  constructor(runtime: QuickJSRuntime, job: Job) {
    this.#job = job;
    this.#runtime = runtime;
    this.#endsAt = performance.now() + job.limits.milliseconds;
    runtime.setMaxStackSize(stackBytes);
    runtime.setInterruptHandler(() => this.#isLate);
    this.#context = runtime.newContext();
  }

  get #isLate(): boolean {
    return performance.now() > this.#endsAt;
  }

  /** False where something is left behind. */
  dispose(): boolean {
    try {
      this.#step?.dispose();
      this.#context.dispose();
      this.#runtime.dispose();
      return true;
    } catch {
      return false;
    }
  }

  /** A promise may turn an interrupt into what it rejects with: late is late, whatever came of it. */
  run(): Ending {
    const ending = this.#start();
    return this.#isLate ? { kind: 'timeout' } : ending;
  }

  #start(): Ending {
    const { source, input } = this.#job;
    const context = this.#context;
    this.#step = context.unwrapResult(context.evalCode(guest, 'assay.js'));
    const texts = [source, input.inputs, input.outputs, input.expectations, input.trace];
    const args = [
      ...texts.map((text) => context.newString(text)),
      context.newNumber(input.now),
      context.newNumber(input.seed),
    ];
    const ending = this.#callStep(args);
    for (const arg of args) arg.dispose();
    return ending ?? this.#settle();
  }

  /** Promises run as far as they get: nothing outside could wake one that waits. */
  #settle(): Ending {
    for (;;) {
      const jobs = this.#runtime.executePendingJobs(jobsAtOnce);
      const executed = jobs.error ? 0 : jobs.value;
      jobs.error?.dispose();
      const ending = this.#callStep([]);
      if (ending) return ending;
      if (this.#isLate) return { kind: 'timeout' };
      if (executed === 0 && !this.#runtime.hasPendingJob()) return { kind: 'unsettled' };
    }
  }

  /** Undefined while there is no result. */
  #callStep(args: readonly QuickJSHandle[]): Ending | undefined {
    const context = this.#context;
    if (this.#step === undefined) throw new Error('the guest has not been loaded');
    const called = context.callFunction(this.#step, context.undefined, ...args);
    // What the guest lets through is what no code can catch: an interrupt, or no memory left to say so.
    if (called.error) return { kind: this.#isLate ? 'timeout' : 'memory' };
    const result = called.value;
    const length = context.getProp(result, 'length').consume((handle) => context.getNumber(handle));
    const { resultLength } = this.#job.limits;
    const isTooLong = length > resultLength + envelope;
    const text = isTooLong ? '' : context.getString(result);
    result.dispose();
    if (isTooLong) return { kind: 'invalid', message: `the result has more than ${resultLength} characters of JSON` };
    return text === '' ? undefined : read(text);
  }
}

/** `{"returned":` and `}`. */
const envelope = 13;

function read(text: string): Ending {
  if (text.startsWith('{"returned":')) return { kind: 'returned', json: text.slice('{"returned":'.length, -1) };
  const said = JSON.parse(text) as { invalid?: string; thrown?: { name: string; message: string; stack: string } };
  if (said.thrown) return isOutOfMemory(said.thrown) ? { kind: 'memory' } : { kind: 'threw', ...said.thrown };
  return { kind: 'invalid', message: said.invalid ?? '' };
}

function isOutOfMemory({ name, message }: { name: string; message: string }): boolean {
  return name === 'InternalError' && message === 'out of memory';
}
