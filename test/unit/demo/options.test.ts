import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from '../../../demo/free-port.ts';
import { parseOptions } from '../../../demo/options.ts';

test('without arguments the demo runs 75 sessions of seed 1 on a free port', () => {
  expect(parseOptions([])).toEqual({ seed: '1', sessions: 75 });
});

test('arguments are taken, help is an answer of its own', () => {
  expect(parseOptions(['--seed', 'x', '--sessions', '3', '--port', '4318'])).toEqual({
    seed: 'x',
    sessions: 3,
    port: 4318,
  });
  expect(parseOptions(['--help'])).toBeUndefined();
});

test.each([
  [['--sessions', '0'], '--sessions takes a whole number from 1 to 10000, got "0"'],
  [['--port', 'http'], '--port takes a whole number from 1 to 65535, got "http"'],
  [['--speed', '2'], "Unknown option '--speed'"],
])('%j is refused with what is wrong', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});

test('a port that something listens on is refused by its number, another is found free', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await expect(freePort(port)).rejects.toThrow(`port ${port} is in use`);
  await expect(freePort()).resolves.not.toBe(port);
  await new Promise((resolve) => server.close(resolve));
  await expect(freePort(port)).resolves.toBe(port);
});
