import { startTestStack } from '../support/local-stack.ts';
import type { Workload } from './workloads.ts';

export interface Throughput {
  readonly workload: string;
  readonly acceptedPerSecond: number;
  /** Until the last trace was indexed and archived. */
  readonly indexedPerSecond: number;
}

const connections = 2;

/** Traces a second through the whole local stack: gateway, functions and emulators share this machine's cores. */
export async function localThroughput(workload: Workload): Promise<Throughput> {
  const stack = await startTestStack();
  try {
    const bodies = [...workload.bodies];
    const [first] = bodies;
    if (first) await stack.send(first, { headers: { 'content-encoding': 'gzip' } });
    await stack.stack.drain();
    const traces = bodies.length * workload.tracesPerRequest;
    const started = performance.now();
    const sender = async () => {
      for (let body = bodies.pop(); body; body = bodies.pop()) {
        const { status } = await stack.send(body, { headers: { 'content-encoding': 'gzip' } });
        if (status !== 200) throw new Error(`the local stack answered ${status}`);
      }
    };
    await Promise.all(Array.from({ length: connections }, sender));
    const accepted = performance.now();
    await stack.stack.drain(120_000);
    const indexed = performance.now();
    return {
      workload: workload.name,
      acceptedPerSecond: (traces * 1000) / (accepted - started),
      indexedPerSecond: (traces * 1000) / (indexed - started),
    };
  } finally {
    await stack.stop();
  }
}
