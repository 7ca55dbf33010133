import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// Runs a bundled function as Lambda's runtime would: imports it, then answers one invocation after the other.
const [folder = '', handlerName = 'index.handler'] = process.argv.slice(2);
const [module = 'index', name = 'handler'] = handlerName.split('.');
const exported = (await import(pathToFileURL(join(folder, `${module}.mjs`)).href)) as Record<string, Handler>;
const handler = exported[name];
if (!handler) throw new Error(`${folder} exports no ${name}`);
process.send?.({ kind: 'ready' });

type Handler = (event: unknown, context: object) => Promise<unknown>;

process.on('message', async ({ id, event, deadline }: { id: string; event: unknown; deadline: number }) => {
  const context = {
    awsRequestId: id,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const result = await handler(event, context);
    checkSize(result);
    process.send?.({ kind: 'result', id, result });
  } catch (error) {
    const { name: type, message, stack } = error instanceof Error ? error : new Error(String(error));
    process.send?.({ kind: 'error', id, error: { type, message, stack } });
  }
});

/** Lambda fails an invocation whose answer is larger than 6 MB (Lambda developer guide, "Lambda quotas"). */
function checkSize(result: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(result) ?? '');
  if (bytes <= 6 * 1024 * 1024) return;
  const error = new Error(`response of ${bytes} bytes, expected at most ${6 * 1024 * 1024}`);
  error.name = 'Function.ResponseSizeTooLarge';
  throw error;
}

// A terminal's Ctrl-C reaches this process, too; the parent stops it once its work is done.
process.on('SIGINT', () => undefined);

// The parent is gone: so is the work.
process.on('disconnect', () => process.exit(0));
