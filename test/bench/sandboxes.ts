import { pyodideCodeRunner } from '../../shared/adapters/pyodide-code-runner.ts';
import { quickjsCodeRunner } from '../../shared/adapters/quickjs-code-runner.ts';
import type { CodeAnswer, CodeInput } from '../../shared/domain/code/run-code.ts';

/** Wall clock, ms; calls are the median of many, one after the other. */
export interface SandboxFigures {
  readonly javascript: {
    /** The first call, which starts thread and interpreter. */
    readonly firstMs: number;
    /** By size of the trace in KB: code that leaves the trace alone, and code that walks its spans. */
    readonly calls: readonly { readonly kb: number; readonly untouchedMs: number; readonly walkedMs: number }[];
  };
  readonly python: {
    /** What the function's initialisation pays: an interpreter started from scratch, and its snapshot. */
    readonly startMs: number;
    /** A call that finds no interpreter ready: process, snapshot, code. */
    readonly callMs: number;
    /** A call that finds one ready. */
    readonly readyMs: number;
  };
}

const root = new URL('../../', import.meta.url);

export async function sandboxFigures({ quick = false }: { quick?: boolean } = {}): Promise<SandboxFigures> {
  return { javascript: await javascript(quick ? 50 : 300), python: await python(quick ? 3 : 10) };
}

async function javascript(count: number): Promise<SandboxFigures['javascript']> {
  const sandbox = quickjsCodeRunner(new URL('shared/adapters/quickjs/quickjs-worker.ts', root));
  const call = (source: string, input: CodeInput) =>
    timed(async () => succeeded(await sandbox.run({ language: 'javascript', source }, input)));
  const firstMs = await call('() => 1', anInput(2));
  const calls = [];
  for (const kb of [2, 20, 200]) {
    const input = anInput(kb);
    const untouchedMs = await median(count, () => call('(inputs, outputs) => outputs.length < 100', input));
    const walkedMs = await median(count, () => call('(i, o, e, { data }) => data.spans.length', input));
    calls.push({ kb, untouchedMs, walkedMs });
  }
  await sandbox.close();
  return { firstMs, calls };
}

async function python(count: number): Promise<SandboxFigures['python']> {
  const start = performance.now();
  const sandbox = await pyodideCodeRunner({
    child: new URL('shared/adapters/pyodide/python-child.ts', root),
    pyodide: new URL('node_modules/pyodide/', root),
  });
  const startMs = performance.now() - start;
  const code = {
    language: 'python',
    source: 'return len(trace.data.spans)',
    signature: '(trace)',
    functionName: 'spans',
  } as const;
  const call = () => timed(async () => succeeded(await sandbox.run(code, anInput(20))));
  await call();
  const callMs = await median(count, call);
  const readyMs = await median(count, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return call();
  });
  await sandbox.close();
  return { startMs, callMs, readyMs };
}

async function timed(task: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await task();
  return performance.now() - start;
}

function succeeded(answer: CodeAnswer): void {
  if ('error' in answer) throw new Error(`${answer.error.code}: ${answer.error.message}`);
}

async function median(count: number, measure: () => Promise<number>): Promise<number> {
  const runs: number[] = [];
  for (let i = 0; i < count; i++) runs.push(await measure());
  return runs.toSorted((a, b) => a - b)[count >> 1] ?? 0;
}

/** Spans of about 2 KB. */
function anInput(kb: number): CodeInput {
  const span = {
    span_id: '00f067aa0ba902b7',
    parent_id: null,
    name: 'answer',
    span_type: 'TOOL',
    status: { code: 'OK', message: '' },
    start_time_unix_nano: '1795262400000000000',
    end_time_unix_nano: '1795262400250000000',
    inputs: { question: 'Where is my order? '.repeat(40) },
    outputs: 'It is on its way. '.repeat(40),
    attributes: { 'gen_ai.request.model': 'a-model', notes: 'x'.repeat(300) },
    events: [],
  };
  const info = {
    trace_id: 'tr-1',
    experiment_id: '0',
    timestamp_ms: 0,
    execution_duration_ms: 1,
    state: 'OK',
    trace_metadata: {},
    tags: {},
  };
  return {
    traceId: 'tr-1',
    inputs: JSON.stringify(span.inputs),
    outputs: JSON.stringify(span.outputs),
    expectations: '{}',
    trace: JSON.stringify({ info, data: { spans: Array.from({ length: Math.ceil(kb / 2) }, () => span) } }),
    now: 1_795_262_400_000,
    seed: 1,
  };
}
