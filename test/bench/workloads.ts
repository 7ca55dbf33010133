import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { otlpJsonToProtobuf } from '../../shared/contracts/otlp/from-json.ts';
import { ownRequest } from './own-generator.ts';

/** Request bodies of one size of trace. */
export interface Workload {
  readonly name: string;
  /** gzip-compressed ExportTraceServiceRequests. */
  readonly bodies: readonly Buffer[];
  readonly tracesPerRequest: number;
  readonly source: 'shared/measure' | 'own generator';
}

const root = join(import.meta.dirname, '../../..');
const generator = join(root, 'shared/measure/otlp-generate.mjs');
const texts = join(root, 'shared/data/otlp');

/** Five spans a trace, gzip; 20 traces to a request, 2 of the largest. The same bodies in every run. */
export function standardWorkloads(
  folder: string,
  { traces, tracesPerRequest = 20 }: { traces: number; tracesPerRequest?: number },
): readonly Workload[] {
  return [
    { name: '2 KB', bytes: 2_000, perRequest: tracesPerRequest, traces },
    { name: '20 KB', bytes: 20_000, perRequest: tracesPerRequest, traces },
    { name: '200 KB', bytes: 200_000, perRequest: Math.min(2, tracesPerRequest), traces: Math.ceil(traces / 10) },
  ].map((workload) => generate(folder, workload));
}

interface Wanted {
  readonly name: string;
  readonly bytes: number;
  readonly perRequest: number;
  readonly traces: number;
}

function generate(folder: string, { name, bytes, perRequest, traces }: Wanted): Workload {
  if (!existsSync(generator))
    return {
      name,
      bodies: ownBodies({ bytes, perRequest, traces }),
      tracesPerRequest: perRequest,
      source: 'own generator',
    };
  const out = join(folder, `${bytes}-${perRequest}-${traces}`);
  if (!existsSync(join(out, 'workload.json'))) {
    const args = [
      '--texts',
      texts,
      '--out',
      out,
      '--size',
      String(bytes),
      '--per-request',
      String(perRequest),
      '--traces',
      String(traces),
    ];
    execFileSync(process.execPath, [generator, ...args, '--end', '2026-11-21T12:00:00Z'], { stdio: 'ignore' });
  }
  const files = readdirSync(out)
    .filter((file) => file.endsWith('.pb.gz'))
    .toSorted();
  return {
    name,
    bodies: files.map((file) => readFileSync(join(out, file))),
    tracesPerRequest: perRequest,
    source: 'shared/measure',
  };
}

/** Traces of which no two say the same, which an answer of a judge to one of them would do for. */
export function distinctWorkload({ traces, bytes }: { traces: number; bytes: number }): Workload {
  const tracesPerRequest = 20;
  return {
    name: `${bytes / 1_000} KB`,
    bodies: ownBodies({ bytes, perRequest: tracesPerRequest, traces }),
    tracesPerRequest,
    source: 'own generator',
  };
}

function ownBodies({
  bytes,
  perRequest,
  traces,
}: {
  bytes: number;
  perRequest: number;
  traces: number;
}): readonly Buffer[] {
  return Array.from({ length: Math.ceil(traces / perRequest) }, (_, i) =>
    gzipSync(otlpJsonToProtobuf(JSON.stringify(ownRequest({ first: i * perRequest, traces: perRequest, bytes }))).body),
  );
}
