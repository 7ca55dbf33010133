import type { AssessmentError } from '../../domain/assessment.ts';
import type { CodeDefinition, OwnFunction, PythonCode } from '../../domain/code/code-definition.ts';
import { type CodeInput, codeErrors, type RunCode, SandboxUnavailableError } from '../../domain/code/run-code.ts';
import type { FunctionInvoker, InvocationFailure } from '../../domain/ports.ts';
import { type PythonCall, pythonAnswer } from './python-call.ts';

/** Runs code where its language is run. */
export function runCode(
  runners: {
    readonly [Language in CodeDefinition['language']]: RunCode<Extract<CodeDefinition, { language: Language }>>;
  },
): RunCode {
  return (definition, input) => {
    switch (definition.language) {
      case 'javascript':
        return runners.javascript(definition, input);
      case 'python':
        return runners.python(definition, input);
      case 'lambda':
        return runners.lambda(definition, input);
    }
  };
}

/** Python, in the function that is there for it. */
export function invokedPython(functions: FunctionInvoker, functionName: string): RunCode<PythonCode> {
  return async (code, input) => {
    const invoked = await functions.invoke(functionName, JSON.stringify({ code, input } satisfies PythonCall));
    if ('payload' in invoked) return pythonAnswer.parse(JSON.parse(invoked.payload));
    const { failure } = invoked;
    // Its own errors are ours, not the scorer's.
    if (failure.kind === 'threw' || failure.kind === 'missing')
      throw new SandboxUnavailableError(`${functionName}: ${failure.type}: ${failure.message}`);
    return { error: toError(failure) };
  };
}

/**
 * A user's own function. It is given `{"inputs", "outputs", "expectations", "trace"}` and answers what any code returns.
 */
export function invokedFunction(functions: FunctionInvoker): RunCode<OwnFunction> {
  return async ({ functionName }, input) => {
    const invoked = await functions.invoke(functionName, payloadOf(input));
    return 'payload' in invoked ? { returned: invoked.payload } : { error: toError(invoked.failure) };
  };
}

function payloadOf({ inputs, outputs, expectations, trace }: CodeInput): string {
  return `{"inputs":${inputs},"outputs":${outputs},"expectations":${expectations},"trace":${trace}}`;
}

const codes = {
  threw: codeErrors.threw,
  missing: codeErrors.threw,
  timeout: codeErrors.timeout,
  memory: codeErrors.memory,
  'payload-too-large': codeErrors.inputTooLarge,
  'answer-too-large': codeErrors.invalidResult,
} as const satisfies Record<InvocationFailure['kind'], string>;

function toError({ kind, type, message, stack }: InvocationFailure): AssessmentError {
  const text = type === undefined ? message : `${type}: ${message}`;
  return { code: codes[kind], message: text.slice(0, 2_000), ...(stack && { stackTrace: stack.slice(-10_000) }) };
}
