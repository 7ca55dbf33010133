import { type AddressInfo, createServer } from 'node:net';

/** The port that was asked for, or another that is free. Throws where something else listens on it. */
export async function freePort(asked?: number): Promise<number> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(asked ?? 0, '127.0.0.1', resolve));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
      throw new Error(`port ${asked} is in use: end what listens there, or leave --port out to take a free one`, {
        cause: error,
      });
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
