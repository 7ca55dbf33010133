import { Socket as UdpSocket } from 'node:dgram';
import { Socket } from 'node:net';

/** Growing fails as it fails where there is no more memory: with Python's MemoryError. */
export function limitMemory(bytes: number): void {
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: { prototype: WasmMemory } } }).WebAssembly;
  const { grow } = Memory.prototype;
  Memory.prototype.grow = function (this: WasmMemory, pages: number) {
    if (this.buffer.byteLength + pages * 65_536 > bytes) throw new RangeError('out of memory');
    return grow.call(this, pages);
  };
}

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** Everything in Node that speaks over a network, speaks through these. */
export function cutNetwork(): void {
  const refuse = () => {
    throw new Error('no network');
  };
  for (const prototype of [Socket.prototype, UdpSocket.prototype])
    for (const name of ['connect', 'bind', 'send'])
      Object.defineProperty(prototype, name, { value: refuse, writable: false, configurable: false });
}
