import { lambda } from '../../shared/adapters/aws-clients.ts';
import { lambdaFunctionInvoker } from '../../shared/adapters/lambda-function-invoker.ts';
import { type PythonSandbox, pyodideCodeRunner } from '../../shared/adapters/pyodide-code-runner.ts';
import { quickjsCodeRunner } from '../../shared/adapters/quickjs-code-runner.ts';
import { invokedFunction, runCode } from '../../shared/contracts/code/invoked-code.ts';
import type { RunCode } from '../../shared/domain/code/run-code.ts';

const adapters = new URL('../../shared/adapters/', import.meta.url);

/** Users' code in the sandboxes in which it runs in production; each starts when it is needed. Own functions are invoked in the AWS account. */
export function localCode(): { readonly run: RunCode; close(): Promise<void> } {
  const javascript = quickjsCodeRunner(new URL('quickjs/quickjs-worker.ts', adapters));
  let python: Promise<PythonSandbox> | undefined;
  const startPython = () =>
    pyodideCodeRunner({
      child: new URL('pyodide/python-child.ts', adapters),
      pyodide: new URL('./', import.meta.resolve('pyodide')),
    });
  return {
    run: runCode({
      javascript: javascript.run,
      python: async (code, input) => {
        python ??= startPython();
        return (await python).run(code, input);
      },
      lambda: invokedFunction(lambdaFunctionInvoker(lambda)),
    }),
    async close() {
      await javascript.close();
      await (await python)?.close();
    },
  };
}
