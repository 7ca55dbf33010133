import { afterAll, describe, expect, it } from 'vitest';
import { quickjsCodeRunner } from '../../../../shared/adapters/quickjs-code-runner.ts';
import { codeInput } from '../../../../shared/contracts/code/code-input.ts';
import { maxResultLength, SandboxUnavailableError } from '../../../../shared/domain/code/run-code.ts';
import type { ScorableTrace } from '../../../../shared/domain/scorable-trace.ts';
import { aScorableTrace, aToolCall } from '../../../support/builders/a-scorable-trace.ts';

const worker = new URL('../../../../shared/adapters/quickjs/quickjs-worker.ts', import.meta.url);
const sandbox = quickjsCodeRunner(worker, {
  limits: { milliseconds: 300, memoryBytes: 24 * 2 ** 20, resultLength: maxResultLength },
});
afterAll(() => sandbox.close());

const trace = aScorableTrace({
  inputs: { question: 'Where is my order?' },
  outputs: 'On its way.',
  expectations: { expected_response: 'On its way.' },
  spans: [aToolCall('find_order')],
});

async function run(source: string, given: ScorableTrace = trace): Promise<unknown> {
  const answer = await sandbox.run({ language: 'javascript', source }, codeInput(given));
  return 'returned' in answer ? JSON.parse(answer.returned) : answer.error;
}

const code = async (source: string) => ((await run(source)) as { code?: string }).code;

describe('a JavaScript scorer', () => {
  it.each([
    ['an arrow function', '(inputs, outputs) => outputs.length < 20', true],
    ['a function', 'function short(inputs, outputs) { return outputs.length }', 11],
    ['a script whose last statement is a function', 'const n = 3;\n(inputs) => inputs.question.length > n;', true],
    ['expectations', '(i, outputs, expectations) => outputs === expectations.expected_response', true],
    ['an async function', 'async (inputs) => { await null; return await Promise.all([1, 2]) }', [1, 2]],
    ['a rationale', '() => ({ value: 0.5, rationale: "so so" })', { value: 0.5, rationale: 'so so' }],
    ['nothing', '() => {}', null],
    ['a comment at its end', '() => 1 // one', 1],
    [
      'spans',
      '(i, o, e, trace) => trace.data.spans.filter((s) => s.span_type === "TOOL").map((s) => s.name)',
      ['find_order'],
    ],
    [
      'info',
      '(i, o, e, { info }) => [info.trace_id, info.state, info.execution_duration_ms]',
      [trace.traceId, 'OK', 250],
    ],
  ])('may be %s', async (_, source, expected) => {
    expect(await run(source)).toEqual(expected);
  });

  it('knows one time, at which the trace had ended', async () => {
    const end = trace.facts.requestTime + trace.facts.durationMs;
    expect(
      await run('() => [Date.now(), +new Date(), new Date().constructor === Date, new Date(0).getTime()]'),
    ).toEqual([end, end, true, 0]);
  });

  it('has the chance that follows from the trace', async () => {
    const source = '() => [Math.random(), Math.random()]';
    const first = (await run(source)) as number[];
    expect(await run(source)).toEqual(first);
    expect(first[0]).not.toBe(first[1]);
    expect(await run(source, { ...trace, traceId: 'tr-1' })).not.toEqual(first);
  });

  it('is told what it threw, and where', async () => {
    expect(await run('() => { throw new RangeError("no such thing") }')).toEqual({
      code: 'SCORER_ERROR',
      message: 'RangeError: no such thing',
      stackTrace: expect.stringContaining('<anonymous>'),
    });
    expect(await run('() => { throw "text" }')).toEqual({ code: 'SCORER_ERROR', message: 'text' });
  });
});

describe('what is not there', () => {
  it.each(
    [
      'process',
      'require',
      'fetch',
      'console',
      'setTimeout',
      'WebAssembly',
      'Worker',
      'performance',
      'navigator',
      'std',
      'os',
    ].map((name) => [name]),
  )('%s', async (name) => {
    expect(await run(`() => typeof ${name}`)).toBe('undefined');
  });

  it.each([
    ['through constructors', `() => ({}).constructor.constructor('return typeof process')()`],
    [
      'through the guest that called',
      `function f() { return typeof (f.caller ?? arguments.callee.caller)?.constructor('return process')() }`,
    ],
    ['by indirect eval', `() => (0, eval)('typeof process')`],
    [
      'through prototypes of what it is given',
      `(i, o, e, t) => t.data.spans.constructor.constructor('return typeof process')()`,
    ],
    [
      'through an error of the interpreter',
      `() => { try { null.x } catch (e) { return e.constructor.constructor('return typeof process')() } }`,
    ],
    [
      'through a generator',
      `() => Object.getPrototypeOf(function*(){}).constructor('return typeof process')().next().value`,
    ],
  ])('a host object, %s', async (_, source) => {
    expect(JSON.stringify(await run(source))).not.toMatch(/"object"/);
  });

  it('modules', async () => {
    expect(await run(`() => import('node:fs')`)).toMatchObject({ code: 'SCORER_ERROR' });
    expect(await run(`() => eval("import('os')").then((m) => Object.keys(m))`)).toMatchObject({ code: 'SCORER_ERROR' });
  });
});

describe('a scorer that does not end', () => {
  it.each([
    ['a loop', '() => { for (;;); }'],
    ['a loop that catches', '() => { for (;;) try { for (;;); } catch {} finally { for (;;); } }'],
    ['a catastrophic regular expression', '() => /^(a+)+$/.test("a".repeat(50) + "b")'],
    ['a native loop that asks nobody', '() => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)'],
    ['a flood of promises', 'async () => { for (;;) await null }'],
    ['an endless thenable', '() => { const t = { then(ok) { ok(t) } }; return t }'],
    ['an endless getter of the result', '() => ({ get value() { for (;;); } })'],
    ['an endless toJSON', '() => ({ toJSON() { for (;;); } })'],
    ['an endless Proxy', '() => new Proxy({}, { ownKeys() { for (;;); } })'],
    ['an endless message', '() => { throw { get message() { for (;;); } } }'],
    ['a loop before the function', 'for (;;); () => 1'],
  ])('times out, and the next one runs: %s', async (_, source) => {
    expect(await code(source)).toBe('SCORER_TIMEOUT');
    expect(await run('() => 1')).toBe(1);
  });

  it('does not hold up the thread that waits for it', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    await run('() => { for (;;); }');
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
  });
});

describe('the thread that waits', () => {
  it('lets an answer that came while it was busy count, though its time is over', async () => {
    await run('() => 1');
    const answer = run('() => 2');
    await new Promise((resolve) => setImmediate(resolve));
    const freeAt = performance.now() + 800;
    while (performance.now() < freeAt);
    expect(await answer).toBe(2);
  });
});

describe('a thread that died while nobody waited for it', () => {
  it('is replaced for the next call', async () => {
    const brief = quickjsCodeRunner(new URL('../../../support/sandbox/brief-worker.ts', import.meta.url));
    const code = { language: 'javascript', source: '() => 1' } as const;
    for (let call = 0; call < 2; call++) {
      expect(await brief.run(code, codeInput(trace))).toEqual({ returned: '1' });
      // Nobody is told of its death, which takes longer on a busy machine.
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await brief.close();
  });
});

describe('one thread for many calls', () => {
  const limits = { milliseconds: 100, memoryBytes: 24 * 2 ** 20, resultLength: maxResultLength };
  let now = 0;
  const shared = quickjsCodeRunner(worker, { limits, now: () => now });
  afterAll(() => shared.close());
  const call = (source: string, outputs = '') =>
    shared.run({ language: 'javascript', source }, codeInput(aScorableTrace({ inputs: {}, outputs })));
  const timedOut = { error: { code: 'SCORER_TIMEOUT', message: 'the scorer did not end within 100 ms' } };

  it('is not waited for longer than the traces of a batch can wait', async () => {
    const [first, second] = [call('() => 1'), call('() => 2')];
    await new Promise((resolve) => setImmediate(resolve));
    now += 30_001;
    const refused = expect(second).rejects.toThrow(SandboxUnavailableError);
    expect(await first).toEqual({ returned: '1' });
    await refused;
    expect(await call('() => 3')).toEqual({ returned: '3' });
  });

  it('runs a source that never ends three times a minute', async () => {
    const endless = '(inputs, outputs) => { for (;;); }';
    for (let run = 0; run < 3; run++) expect(await call(endless)).toEqual(timedOut);
    const startedAt = performance.now();
    for (let run = 0; run < 20; run++)
      expect(await call(endless)).toMatchObject({
        error: { code: 'SCORER_TIMEOUT', message: expect.stringContaining('was not run') },
      });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await call('() => 1')).toEqual({ returned: '1' });
    now += 60_000;
    expect(await call(endless)).toEqual(timedOut);
  });

  it('goes on running a source that ends in between', async () => {
    const source = '(inputs, outputs) => { while (outputs === "endless"); return 1 }';
    for (const outputs of ['endless', 'endless', 'brief', 'endless', 'endless'])
      expect(await call(source, outputs)).toEqual(outputs === 'brief' ? { returned: '1' } : timedOut);
    expect(await call(source)).toEqual({ returned: '1' });
  });
});

describe('a scorer that wants too much', () => {
  it.each([
    [
      'memory, array by array',
      '() => { const a = []; for (;;) a.push(new Uint8Array(1_000_000)) }',
      'SCORER_OUT_OF_MEMORY',
    ],
    ['memory, at once', '() => new ArrayBuffer(2 ** 30).byteLength', 'SCORER_OUT_OF_MEMORY'],
    ['memory, as text', '() => "x".repeat(2 ** 29).length', 'SCORER_OUT_OF_MEMORY'],
    [
      'memory, by promises',
      '() => { const all = []; const f = () => { for (let i = 0; i < 1000; i++) all.push(Promise.resolve().then(f)) }; f(); return Promise.all(all) }',
      /OUT_OF_MEMORY|TIMEOUT/,
    ],
    ['stack, by recursion', '() => { const f = () => f() + 1; return f() }', 'SCORER_ERROR'],
    ['stack, by JSON', '() => JSON.parse("[".repeat(200_000))', 'SCORER_ERROR'],
    ['a huge result', '() => "x".repeat(300_000)', 'SCORER_INVALID_RESULT'],
    ['a cyclic result', '() => { const a = {}; a.a = a; return a }', 'SCORER_INVALID_RESULT'],
    ['a bigint', '() => 1n', 'SCORER_INVALID_RESULT'],
    ['a function as result', '() => () => 1', 'SCORER_INVALID_RESULT'],
    ['not a number', '() => 0 / 0', 'SCORER_INVALID_RESULT'],
    ['a promise that never settles', '() => new Promise(() => {})', 'SCORER_ERROR'],
    ['no function', '42', 'SCORER_ERROR'],
  ])('fails alone: %s', async (_, source, expected) => {
    expect(await code(source)).toMatch(expected);
    expect(await run('(inputs) => inputs.question')).toBe('Where is my order?');
  });

  it('is told of an error even if the error is hostile', async () => {
    expect(
      await code('() => { throw { get message() { throw 1 }, get name() { return {} }, toString() { throw 2 } } }'),
    ).toBe('SCORER_ERROR');
    expect(await code('() => { throw new Proxy({}, { get() { throw 1 } }) }')).toBe('SCORER_ERROR');
  });
});

describe('what a scorer leaves behind', () => {
  it.each([
    ['a global', '() => { globalThis.left = 1; return 0 }', '() => typeof left'],
    [
      'a prototype',
      '() => { Object.prototype.left = 1; Array.prototype.map = () => 7; return 0 }',
      '() => typeof ({}).left',
    ],
    [
      'a poisoned JSON',
      '() => { JSON.parse = () => 7; JSON.stringify = () => "7"; return 0 }',
      '(i) => typeof JSON.parse("{}").left',
    ],
    ['a poisoned Promise', '() => { Promise.prototype.then = null; return 0 }', 'async () => typeof left'],
  ])('the next one does not find: %s', async (_, first, second) => {
    expect(await run(first)).toBe(0);
    expect(await run(second)).toBe('undefined');
  });

  it('does not hinder its own result', async () => {
    expect(
      await run(
        '() => { JSON.stringify = Object.defineProperty = null; Object.prototype.toJSON = () => 1; return { value: 2 } }',
      ),
    ).toBe(1);
    expect(await run('() => { Array.prototype.then = 1; String.prototype.toJSON = () => 1; return [1] }')).toEqual([1]);
  });
});
