import { freePort } from './free-port.ts';
import { type DemoOptions, parseOptions, usage } from './options.ts';
import { bad } from './page/format.ts';
import { page } from './page/page.ts';
import { showProgress } from './page/progress.ts';
import { reconciles } from './reconcile/check.ts';
import { runDemo } from './run-demo.ts';
import { type ScriptedJudge, startScriptedJudge } from './scripted-judge/scripted-judge.ts';
import { startStack } from './stack.ts';

/** The exit code of what Ctrl-C ended, by the custom of shells. */
const interrupted = 130;

process.exitCode = await main(process.argv.slice(2));
// What was going on then is not waited for.
if (process.exitCode === interrupted) process.exit();

/** Answers the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const interruption = onInterruption();
  try {
    const options = parseOptions(args);
    if (options !== undefined) return await demonstrate(options, interruption);
    process.stdout.write(`${usage}\n`);
    return 0;
  } catch (error) {
    if (interruption.aborted) return interrupted;
    process.stderr.write(`\n${bad('The demo failed:')} ${(error as Error).message}\n`);
    return 1;
  }
}

/** Runs everything; 0 where all of it reconciles. */
async function demonstrate(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const judge = await startScriptedJudge(options.seed);
  try {
    return await demonstrateWith(judge, { options, signal });
  } finally {
    await judge.close();
  }
}

async function demonstrateWith(
  judge: ScriptedJudge,
  { options, signal }: { options: DemoOptions; signal: AbortSignal },
): Promise<number> {
  const progress = showProgress(process.stdout, Date.now);
  progress.step('starting the local stack');
  const stack = await startStack({ port: await freePort(options.port), judge, signal });
  try {
    progress.update(stack.url);
    const result = await Promise.race([runDemo(stack, { ...options, judge, signal, progress }), rejectOn(signal)]);
    process.stdout.write(`\n${page(result)}\n`);
    return reconciles(result.checks) ? 0 : 1;
  } catch (error) {
    throw new Error(`${describeError(error)}\n\nThe local stack's last lines:\n${stack.log.join('\n')}`, {
      cause: error,
    });
  } finally {
    await stack.stop();
  }
}

/** fetch() tells what happened in the cause alone. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${describeError(error.cause)}` : error.message;
}

/** Aborts at Ctrl-C or the end of the terminal: the first time to stop in order; the second ends the process as by default. */
function onInterruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(name, () => {
      process.stdout.write('\nstopping …\n');
      controller.abort();
    });
  return controller.signal;
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new Error('interrupted'));
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail);
  });
}
