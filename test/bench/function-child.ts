import { pathToFileURL } from 'node:url';
import type { Invoked } from './function-process.ts';

// Runs one bundled function: imports it and says what that cost; then takes events, and handles all of them when told to. Events come
// and results go outside of what is measured.
const [bundle = ''] = process.argv.slice(2);
const before = process.cpuUsage();
const { handler } = (await import(pathToFileURL(bundle).href)) as {
  handler: (event: unknown, context: object) => Promise<unknown>;
};
process.send?.({ result: secondsSince(before) });

/** The time of the function that has the most. */
const context = { awsRequestId: 'bench', functionName: 'bench', getRemainingTimeInMillis: () => 120_000 };

// What it keeps running, an interpreter that waits for Python, ends with it.
process.on('disconnect', () => process.exit());

let waiting: unknown[] = [];

process.on('message', async (message: { event?: unknown; run?: boolean }) => {
  try {
    process.send?.({ result: message.run ? await runAll() : waiting.push(message.event) });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? `${error.stack}` : String(error) });
  }
});

async function runAll(): Promise<Invoked> {
  const events = waiting;
  waiting = [];
  const results: unknown[] = [];
  const [start, startedAt] = [process.cpuUsage(), performance.now()];
  for (const event of events) results.push(await handler(event, context));
  const wallSeconds = (performance.now() - startedAt) / 1000;
  return { cpuSeconds: secondsSince(start), wallSeconds, peakBytes: process.resourceUsage().maxRSS * 1024, results };
}

/** User and system, of the whole process. */
function secondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
