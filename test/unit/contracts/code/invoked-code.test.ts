import { describe, expect, it } from 'vitest';
import { codeInput } from '../../../../shared/contracts/code/code-input.ts';
import { invokedFunction, invokedPython } from '../../../../shared/contracts/code/invoked-code.ts';
import { SandboxUnavailableError } from '../../../../shared/domain/code/run-code.ts';
import type { FunctionInvoker, InvocationFailure, Invoked } from '../../../../shared/domain/ports.ts';
import { aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';

const input = codeInput(aScorableTrace({ inputs: { q: 1 }, outputs: 'a' }));

function answering(invoked: Invoked) {
  const calls: { name: string; payload: unknown }[] = [];
  const functions: FunctionInvoker = {
    invoke: async (name, payload) => {
      calls.push({ name, payload: JSON.parse(payload) });
      return invoked;
    },
  };
  return { functions, calls };
}

const failing = (failure: InvocationFailure) => answering({ failure }).functions;

describe("a user's function", () => {
  const own = { language: 'lambda', functionName: 'assay-scorer-a' } as const;

  it('is invoked with what any code is given', async () => {
    const { functions, calls } = answering({ payload: '{"value":1}' });
    expect(await invokedFunction(functions)(own, input)).toEqual({ returned: '{"value":1}' });
    expect(calls).toEqual([
      {
        name: 'assay-scorer-a',
        payload: { inputs: { q: 1 }, outputs: 'a', expectations: {}, trace: JSON.parse(input.trace) },
      },
    ]);
  });

  it.each([
    [
      { kind: 'threw', type: 'KeyError', message: 'q', stack: 'at f' },
      { code: 'SCORER_ERROR', message: 'KeyError: q', stackTrace: 'at f' },
    ],
    [
      { kind: 'missing', message: 'Function not found' },
      { code: 'SCORER_ERROR', message: 'Function not found' },
    ],
    [
      { kind: 'timeout', message: 'm' },
      { code: 'SCORER_TIMEOUT', message: 'm' },
    ],
    [
      { kind: 'memory', message: 'm' },
      { code: 'SCORER_OUT_OF_MEMORY', message: 'm' },
    ],
    [
      { kind: 'payload-too-large', message: 'm' },
      { code: 'SCORER_INPUT_TOO_LARGE', message: 'm' },
    ],
    [
      { kind: 'answer-too-large', message: 'm' },
      { code: 'SCORER_INVALID_RESULT', message: 'm' },
    ],
  ] as const)('fails with a typed error: %o', async (failure, error) => {
    expect(await invokedFunction(failing(failure))(own, input)).toEqual({ error });
  });
});

describe('Python', () => {
  const code = { language: 'python', source: 'return 1', signature: '()', functionName: 'f' } as const;

  it('is run by the function for it, whose answer is the answer', async () => {
    const { functions, calls } = answering({ payload: '{"error":{"code":"SCORER_ERROR","message":"m"}}' });
    const answer = await invokedPython(functions, 'run-python')(code, input);
    expect(answer).toEqual({ error: { code: 'SCORER_ERROR', message: 'm' } });
    expect(calls).toEqual([{ name: 'run-python', payload: { code, input } }]);
  });

  it("is judged later where that function itself failed, which is nothing of the scorer's", async () => {
    const run = invokedPython(failing({ kind: 'threw', type: 'Error', message: 'no interpreter' }), 'run-python');
    await expect(run(code, input)).rejects.toThrow(SandboxUnavailableError);
  });
});
