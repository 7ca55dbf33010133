import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { cutNetwork } from '../../../shared/adapters/pyodide/confine.ts';

// Tells what is left of the network in a process that cut it.
const server = createServer((_, response) => response.end('reached'));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
cutNetwork();

const got: Record<string, unknown> = {};
const attempts: Readonly<Record<string, () => unknown>> = {
  socket: () => connect(port, '127.0.0.1').once('connect', () => undefined) && 'connected',
  'fetch of a listening server': async () => (await fetch(`http://127.0.0.1:${port}/`)).text(),
  WebSocket: () =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
      socket.onopen = () => resolve('open');
      socket.onerror = () => resolve('error');
    }),
  datagram: () => createSocket('udp4').send('x', port, '127.0.0.1'),
};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    got[name] = await attempt();
  } catch (error) {
    got[name] = (error as Error).message;
  }
}
process.stdout.write(JSON.stringify(got), () => process.exit(0));
