import { startFauxqs } from 'fauxqs';
import { describeObjectAndQueueAdapters } from '../../support/suites/objects-and-queues.ts';

describeObjectAndQueueAdapters('fauxqs', async () => {
  const server = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' });
  return { endpoint: server.address, stop: () => server.stop() };
});
