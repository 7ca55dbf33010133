import { pathToFileURL } from 'node:url';

// Runs one bundled function: imports it, says what that cost, then answers each message.
const [bundle = ''] = process.argv.slice(2);
const before = process.cpuUsage();
const { handler } = (await import(pathToFileURL(bundle).href)) as {
  handler: (event: unknown, context: object) => Promise<unknown>;
};
process.send?.({ result: seconds(process.cpuUsage(before)) });

process.on('message', async (message: { event?: unknown; cpu?: boolean }) => {
  if (message.cpu) return void process.send?.({ result: seconds(process.cpuUsage()) });
  try {
    process.send?.({ result: await handler(message.event, { awsRequestId: 'bench', functionName: 'bench' }) });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? `${error.stack}` : String(error) });
  }
  return undefined;
});

function seconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6;
}
