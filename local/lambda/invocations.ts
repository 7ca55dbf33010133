import { AwsError } from '../gateway/aws-error.ts';
import { InvocationError } from './function-pool.ts';
import type { LocalFunction } from './functions.ts';

/** Lambda's Invoke for the functions of the template; others are not there. */
export function invocations(
  functions: readonly LocalFunction[],
): (operation: string, input: Readonly<Record<string, unknown>>) => Promise<unknown> {
  return async (_, { FunctionName, Payload }) => {
    const target = functions.find(({ resource }) => resource.ref === FunctionName);
    if (!target) throw new AwsError('ResourceNotFoundException', `Function not found: ${String(FunctionName)}`, 404);
    try {
      return { Payload: JSON.stringify((await target.pool.invoke(JSON.parse(String(Payload)))) ?? null) };
    } catch (error) {
      if (!(error instanceof InvocationError)) throw error;
      return { FunctionError: 'Unhandled', Payload: JSON.stringify(reported(error)) };
    }
  };
}

/** As Lambda reports it: developer guide, "Understanding function errors". */
function reported({ reason, message }: InvocationError): { errorType: string; errorMessage: string } {
  if (reason === 'timeout') return { errorType: 'Sandbox.Timedout', errorMessage: `Task timed out after: ${message}` };
  if (reason === 'crash') return { errorType: 'Runtime.ExitError', errorMessage: message };
  const [, errorType = 'Error', errorMessage = message] = /^(\w+): (.*)$/s.exec(message) ?? [];
  return { errorType, errorMessage };
}
