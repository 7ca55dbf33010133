import type { InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';
import { SandboxUnavailableError } from '../domain/code/run-code.ts';
import type { FunctionInvoker, InvocationFailure, Invoked } from '../domain/ports.ts';

const maxAnswerBytes = 1024 * 1024;

/** The client is made by the first call: nobody else waits for it to load. */
export function lambdaFunctionInvoker(makeClient: () => Promise<LambdaClient>): FunctionInvoker {
  let client: Promise<LambdaClient> | undefined;
  return {
    invoke: async (FunctionName, payload) => {
      const { InvokeCommand } = await import('@aws-sdk/client-lambda');
      client ??= makeClient();
      try {
        return read(await (await client).send(new InvokeCommand({ FunctionName, Payload: Buffer.from(payload) })));
      } catch (error) {
        return { failure: refusalOf(error) };
      }
    },
  };
}

function read({ FunctionError, Payload: payloadBytes }: InvokeCommandOutput): Invoked {
  const bytes = Buffer.from(payloadBytes ?? []);
  if (bytes.length > maxAnswerBytes)
    return {
      failure: { kind: 'answer-too-large', message: `the answer is ${bytes.length} bytes, at most ${maxAnswerBytes}` },
    };
  const payload = bytes.toString('utf8');
  return FunctionError === undefined ? { payload } : { failure: failureOf(payload) };
}

/** `{"errorType", "errorMessage", "stackTrace" or "trace": […]}`: Lambda developer guide, "Understanding function errors". */
function failureOf(payload: string): InvocationFailure {
  const { errorType, errorMessage, stackTrace, trace } = parse(payload);
  const [type, message] = [String(errorType ?? 'Error'), String(errorMessage ?? payload)];
  const lines = [stackTrace, trace].find(Array.isArray) ?? [];
  if (/Task timed out after/.test(message)) return { kind: 'timeout', message };
  if (type === 'Runtime.OutOfMemory' || /signal: killed/.test(message)) return { kind: 'memory', message };
  return { kind: 'threw', type, message, ...(lines.length > 0 && { stack: lines.join('\n') }) };
}

function parse(payload: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(payload);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What another attempt, or another setting, would not mend by itself is the scorer's failure; the rest is none of its. */
function refusalOf(error: unknown): InvocationFailure {
  const { name, message } = error as Error;
  if (name === 'ResourceNotFoundException') return { kind: 'missing', message };
  if (name === 'RequestTooLargeException') return { kind: 'payload-too-large', message };
  if (name === 'TimeoutError' || name === 'AbortError') return { kind: 'timeout', message };
  throw new SandboxUnavailableError(`the function was not run: ${name}: ${message}`, { cause: error });
}
