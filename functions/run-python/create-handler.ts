import { pythonCall } from '../../shared/contracts/code/python-call.ts';
import type { PythonCode } from '../../shared/domain/code/code-definition.ts';
import type { CodeAnswer, RunCode } from '../../shared/domain/code/run-code.ts';

export interface RunPythonDeps {
  readonly run: RunCode<PythonCode>;
}

/** Runs one Python scorer on one trace, and answers what became of it. */
export function createHandler({ run }: RunPythonDeps): (event: unknown) => Promise<CodeAnswer> {
  return async (event) => {
    const { code, input } = pythonCall.parse(event);
    return run(code, input);
  };
}
