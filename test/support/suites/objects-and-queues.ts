import { afterAll, beforeAll, describe } from 'vitest';
import { describeObjectAdapters } from './objects.ts';
import { describeQueueAdapters } from './queues.ts';

/** Everything that the adapters over S3 and SQS promise. */
export function describeObjectAndQueueAdapters(
  name: string,
  start: () => Promise<{ endpoint: string; stop(): Promise<void> }>,
): void {
  describe(name, () => {
    let engine: Awaited<ReturnType<typeof start>>;

    beforeAll(async () => {
      engine = await start();
    });

    afterAll(() => engine?.stop());

    describeObjectAdapters(name, () => engine.endpoint);
    describeQueueAdapters(name, () => engine.endpoint);
  });
}
