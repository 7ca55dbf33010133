import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPython } from '../../../shared/adapters/pyodide/python-process.ts';
import { type PythonSandbox, pyodideCodeRunner } from '../../../shared/adapters/pyodide-code-runner.ts';
import { codeInput } from '../../../shared/contracts/code/code-input.ts';
import { aScorableSpan, aScorableTrace, aToolCall } from '../../support/builders/a-scorable-trace.ts';

const root = new URL('../../../', import.meta.url);
const files = {
  child: new URL('shared/adapters/pyodide/python-child.ts', root),
  pyodide: new URL('node_modules/pyodide/', root),
};

const memoryBytes = 192 * 2 ** 20;
let sandbox: PythonSandbox;
/** For code that has no end: what is expected of it comes as soon as its time is over. */
let impatient: PythonSandbox;
beforeAll(async () => {
  process.env.ASSAY_TEST_SECRET = 'secret';
  sandbox = await pyodideCodeRunner(files, { limits: { milliseconds: 20_000, memoryBytes } });
  impatient = await pyodideCodeRunner(files, { limits: { milliseconds: 500, memoryBytes } });
});
afterAll(async () => {
  delete process.env.ASSAY_TEST_SECRET;
  await sandbox.close();
  await impatient.close();
});

const retrieval = aScorableSpan({
  span: { name: 'search', spanId: '2222222222222222', parentSpanId: '00f067aa0ba902b7' },
  facts: { type: 'RETRIEVER', inputs: { text: '"q"' }, outputs: { text: '[{"page_content": "p"}]' } },
});
const trace = aScorableTrace({
  inputs: { question: 'Where?' },
  outputs: { response: 'Here.' },
  expectations: { expected_response: 'Here.' },
  facts: { tokens: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } },
  spans: [aToolCall('find_order'), retrieval],
});

async function run(
  source: string,
  signature = '(inputs, outputs, expectations, trace)',
  { run: runCode } = sandbox,
): Promise<unknown> {
  const answer = await runCode({ language: 'python', source, signature, functionName: 'judge' }, codeInput(trace));
  return 'returned' in answer ? JSON.parse(answer.returned) : answer.error;
}

describe("a scorer of MLflow's decorator", () => {
  it.each<[string, string, string, unknown]>([
    ['the guide, its import inline', 'import json\nreturn len(str(outputs.get("response", "")))', '(outputs)', 5],
    [
      'hints that name what is not there',
      'return inputs["question"] == "Where?"',
      '(inputs: dict[str, pd.DataFrame]) -> Unknown',
      true,
    ],
    [
      'keyword-only parameters and defaults',
      'return [outputs["response"], limit]',
      '(*, outputs, limit=3)',
      ['Here.', 3],
    ],
    [
      'expectations',
      'return outputs["response"] == expectations["expected_response"]',
      '(outputs, expectations)',
      true,
    ],
    ['nothing', '', '()', null],
    ['a list of numbers', 'return [1, 2.5]', '()', [1, 2.5]],
    [
      'the trace',
      'return [s.name for s in trace.search_spans(span_type="RETRIEVER")] + [trace.info.trace_id, trace.info.state, trace.info.token_usage["total_tokens"]]',
      '(trace)',
      ['search', trace.traceId, 'OK', 3],
    ],
    [
      'spans',
      'import re\nfrom mlflow.entities import SpanType\ns, = trace.search_spans(span_type=SpanType.RETRIEVER, name=re.compile("sea"))\nreturn [s.inputs, s.outputs[0]["page_content"], s.parent_id, s.status.status_code, s.end_time_ns - s.start_time_ns, s.get_attribute("mlflow.spanInputs")]',
      '(trace)',
      ['q', 'p', '00f067aa0ba902b7', 'OK', 250_000_000, 'q'],
    ],
  ])('may be %s', async (_, source, signature, expected) => {
    expect(await run(source, signature)).toEqual(expected);
  });

  it('gives feedbacks with names, rationale, span and errors', async () => {
    const source = `from mlflow.entities import Feedback, AssessmentSource, AssessmentError
source = AssessmentSource(source_type="CODE", source_id="mine")
return [
  Feedback(name="a", value=True, rationale="why", source=source, metadata={"k": 1}, span_id=trace.data.spans[1].span_id),
  Feedback(value={"deep": [1]}),
  Feedback(name="c", error=ValueError("no")),
  Feedback(name="d", error=AssessmentError("E", "m")),
]`;
    expect(await run(source)).toMatchObject([
      { name: 'a', value: true, rationale: 'why', metadata: { k: '1' }, span_id: '2222222222222222' },
      { value: { deep: [1] } },
      { name: 'c', error: { error_code: 'ValueError', error_message: 'no' } },
      { name: 'd', error: { error_code: 'E', error_message: 'm' } },
    ]);
  });

  it('is told what it raised, and in which of its lines', async () => {
    expect(await run('x = 1\nreturn inputs["none"]')).toEqual({
      code: 'SCORER_ERROR',
      message: "KeyError: 'none'",
      stackTrace: expect.stringMatching(/"<scorer>", line 3, in judge\nKeyError/),
    });
    expect(await run('return )')).toMatchObject({ code: 'SCORER_ERROR', message: /SyntaxError/ });
    expect(await run('import numpy')).toMatchObject({ message: expect.stringContaining("No module named 'numpy'") });
  });

  it('knows the time at which the trace had ended, and the chance that follows from its id', async () => {
    const source = 'import random, time, datetime\nreturn [time.time(), datetime.datetime.now().year, random.random()]';
    const first = (await run(source)) as number[];
    expect(first[0]).toBeCloseTo((trace.facts.requestTime + 250) / 1000, 3);
    expect(first[1]).toBe(2026);
    expect(await run(source)).toEqual(first);
  });
});

describe('what is not there', () => {
  const attempts: Readonly<Record<string, string>> = {
    'import js': 'import js\nreturn str(js.process.env)',
    'import pyodide_js': 'import pyodide_js\nreturn str(pyodide_js)',
    run_js: 'from pyodide.code import run_js\nreturn run_js("process.env")',
    ffi: 'from pyodide.ffi import to_js\nreturn str(to_js([]).constructor.constructor("return process")())',
    _pyodide_core: 'import _pyodide_core\nreturn str(_pyodide_core)',
    pyfetch: 'import asyncio\nfrom pyodide.http import pyfetch\nreturn 1',
    'the module, reloaded': 'import importlib, sys\nsys.modules.pop("js")\nimport js\nreturn str(js.process)',
    ctypes: 'import ctypes\nreturn ctypes.string_at(0, 8).hex()',
    'a file of the machine': 'return open("/etc/passwd").read()',
    'the files of the product': 'import glob\nassert glob.glob("/**/*.ts", recursive=True), "none"\nreturn 1',
    processes: 'import subprocess\nreturn subprocess.check_output(["id"]).decode()',
    threads: 'import threading\nthreading.Thread(target=print).start()',
    sockets: 'import socket\nsocket.create_connection(("127.0.0.1", 4318), timeout=1)\nreturn 1',
    HTTP: 'import urllib.request\nreturn urllib.request.urlopen("http://127.0.0.1:4318/").read().decode()',
    packages: 'import micropip\nreturn 1',
    'nothing that would be missing': 'return "here"',
  };

  it(Object.keys(attempts).slice(0, -1).join(', '), async () => {
    // One interpreter for all, each in a function of its own: to start one costs more than to try.
    const source = `import json
found = []
for name, body in json.loads(${JSON.stringify(JSON.stringify(attempts))}).items():
  made = {}
  exec("def attempt():\\n" + "\\n".join("  " + line for line in body.split("\\n")), made)
  try: found.append(f"{name}: {made['attempt']()}")
  except Exception: pass
return found`;
    expect(await run(source)).toEqual(['nothing that would be missing: here']);
  });

  it('the environment', async () => {
    expect(await run('import os\nreturn str(dict(os.environ))')).not.toMatch(/secret|AWS|assay|node_modules/i);
  });

  it('a way through objects that are still somewhere', async () => {
    // What the collector tracks, all that it leads to (proxies of JavaScript's objects are not tracked themselves), and what can be had of it.
    const source = `import gc, sys
for name in [name for name, module in sys.modules.items() if module is None]:
  del sys.modules[name]
for name in ("js", "_pyodide_core", "_pyodide", "_pyodide._importhook", "pyodide.ffi", "pyodide_js", "pyodide", "ctypes"):
  try: __import__(name)
  except BaseException: pass
kinds, todo = set(), [object]
while todo:
  for kind in set(type.__subclasses__(todo.pop())) - kinds:
    kinds.add(kind)
    todo.append(kind)
made = []
for kind in kinds:
  if kind.__name__.startswith("Js"):
    for make in (lambda: kind("x"), lambda: kind.new("x"), lambda: Exception.__new__(kind, "x")):
      try: made.append(make())
      except BaseException: pass
seen, todo = {}, [gc.get_objects(), list(sys.modules.values()), made]
while todo:
  for found in gc.get_referents(todo.pop()):
    if id(found) not in seen:
      seen[id(found)] = found
      todo.append(found)
ways = []
for found in seen.values():
  isOfBridge = type(found) is type(len) and str(found.__module__).startswith("_pyodide")
  # Not its namesake in Python, which documents it.
  isProxy = any(each.__name__ == "JsProxy" and "__firstlineno__" not in vars(each) for each in type(found).__mro__)
  if isOfBridge or isProxy: ways.append(repr(found))
return [len(seen) > 50_000, "JsException" in [kind.__name__ for kind in kinds]] + sorted(ways)`;
    expect(await run(source)).toEqual([true, true]);
  });

  it('anything for code that has left the interpreter', async () => {
    const child = new URL('test/support/sandbox/escaping-child.ts', root);
    const escaped = startPython(
      { ...files, child },
      { mode: 'run', memoryBytes: 0, snapshot: openSync('/dev/null', 'r') },
    );
    const [said] = await Promise.all([text(escaped.stdout), once(escaped, 'close')]);
    expect(JSON.parse(said)).toEqual({
      environment: [],
      evaluation: 'EvalError',
      file: 'ERR_ACCESS_DENIED',
      'environment of the parent': 'ERR_ACCESS_DENIED',
      write: 'ERR_ACCESS_DENIED',
      process: 'ERR_ACCESS_DENIED',
      thread: 'ERR_ACCESS_DENIED',
      addon: 'ERR_DLOPEN_DISABLED',
      inspector: 'ERR_ACCESS_DENIED',
    });
  });
});

describe('the process of the interpreter', () => {
  it('cannot write into the snapshot that the next ones start from', async () => {
    const child = new URL('test/support/sandbox/writing-child.ts', root);
    const given = await pyodideCodeRunner({ ...files, child });
    const code = { language: 'python', source: '', signature: '()', functionName: 'judge' } as const;
    const { returned } = (await given.run(code, codeInput(trace))) as { returned: string };
    expect(JSON.parse(returned)).toEqual(['EBADF', 'EINVAL', 'the interpreter']);
    await given.close();
  });

  it('reaches no network', async () => {
    const program = fileURLToPath(new URL('test/support/sandbox/confined-child.ts', root));
    const { stdout } = await promisify(execFile)(process.execPath, [program]);
    expect(JSON.parse(stdout)).toEqual({
      socket: 'no network',
      'fetch of a listening server': 'fetch failed',
      WebSocket: 'error',
      datagram: 'no network',
    });
  });
});

describe('a scorer that wants too much fails alone', () => {
  it.each<[string, string, string | RegExp]>([
    ['time', 'while True: pass', 'SCORER_TIMEOUT'],
    ['time, and catches', 'while True:\n  try:\n    while True: pass\n  except BaseException: pass', 'SCORER_TIMEOUT'],
    ['time, in one call', 'return sum(range(10**12))', 'SCORER_TIMEOUT'],
    ['time, in a regular expression', 'import re\nreturn bool(re.match("(a+)+$", "a" * 60 + "b"))', 'SCORER_TIMEOUT'],
    [
      'time, when its result is read',
      'class F(float):\n  def __repr__(self):\n    while True: pass\nreturn Feedback(value={F(1): F(2)}, metadata={F(1): 2})',
      /TIMEOUT|INVALID/,
    ],
    ['memory', 'a = []\nwhile True: a.append(bytearray(10_000_000))', 'SCORER_OUT_OF_MEMORY'],
    ['memory, at once', 'return len("x" * 10**9)', 'SCORER_OUT_OF_MEMORY'],
    ['stack', 'def f(): return f()\nreturn f()', 'SCORER_ERROR'],
    [
      'stack, more than Python counts',
      'import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\nreturn f()',
      /SCORER_(ERROR|OUT_OF_MEMORY|TIMEOUT)/,
    ],
    ['stack, by its source', `return ${'('.repeat(5_000)}${')'.repeat(5_000)}`, 'SCORER_ERROR'],
    ['a huge result', 'return "x" * 10_000_000', 'SCORER_INVALID_RESULT'],
    ['a cyclic result', 'a = []\na.append(a)\nreturn Feedback(value=a)', 'SCORER_INVALID_RESULT'],
    ['a dict', 'return {"a": 1}', 'SCORER_INVALID_RESULT'],
    ['not a number', 'return float("nan")', 'SCORER_INVALID_RESULT'],
    ['to exit', 'raise SystemExit(0)', 'SCORER_ERROR'],
    ['to exit at once', 'import os\nos._exit(0)', 'SCORER_ERROR'],
    ['to crash', 'import sys\nsys.settrace(lambda *_: 1 / 0)\nreturn len(outputs)', /SCORER|undefined/],
    ['an exception without a text', 'class E(Exception):\n  def __str__(self): raise self\nraise E()', 'SCORER_ERROR'],
  ])('%s', async (what, source, expected) => {
    const result = (await run(source, undefined, what.startsWith('time') ? impatient : sandbox)) as { code?: string };
    if (typeof result === 'object') expect(result.code).toMatch(expected);
    expect(JSON.stringify(result).length).toBeLessThan(20_000_000);
  });

  it('and leaves nothing to the next one', async () => {
    await run(
      'import builtins, json, mlflow.entities as e\nbuiltins.len = lambda _: 7\njson.left = 1\ne.Feedback = None\nopen("/tmp/left", "w").write("x")',
    );
    expect(
      await run('import json, os\nreturn [len("abc"), hasattr(json, "left"), os.path.exists("/tmp/left")]'),
    ).toEqual([3, false, false]);
  });
});
