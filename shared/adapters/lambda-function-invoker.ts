import type { InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';
import { SandboxUnavailableError } from '../domain/code/run-code.ts';
import type { FunctionInvoker, InvocationFailure, Invoked } from '../domain/ports.ts';

const maxAnswerBytes = 1024 * 1024;

/** Longer than the functions of Assay that are invoked may take (run-python), and as long as those of users. */
const defaultTimeoutMs = 60_000;

/** The client is made by the first call: nobody else waits for it to load. */
export function lambdaFunctionInvoker(
  makeClient: () => Promise<LambdaClient>,
  { timeoutMs = defaultTimeoutMs }: { timeoutMs?: number } = {},
): FunctionInvoker {
  let client: Promise<LambdaClient> | undefined;
  return {
    invoke: async (FunctionName, payload) => {
      const { InvokeCommand } = await import('@aws-sdk/client-lambda');
      client ??= makeClient();
      const lambda = await client;
      const abortSignal = AbortSignal.timeout(timeoutMs);
      try {
        return read(
          await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(payload) }), { abortSignal }),
        );
      } catch (error) {
        // Not the error's name: the SDK calls a connection that was reset, or never made, a TimeoutError, too.
        if (abortSignal.aborted)
          return { failure: { kind: 'timeout', message: `the function did not answer within ${timeoutMs} ms` } };
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
  throw new SandboxUnavailableError(`the function was not run: ${name}: ${message}`, { cause: error });
}
