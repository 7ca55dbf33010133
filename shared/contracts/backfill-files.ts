import * as z from 'zod';
import type { Slice, SliceDecision } from '../domain/backfilling/backfill.ts';

const formatVersion = 1;

export function toSliceLine({ id, shard, after, upTo, traces, sampledOnly, traceIds }: Slice): string {
  return JSON.stringify({ id, shard, after, upTo, traces, traceIds, ...(sampledOnly && { sampledOnly }) });
}

/** A line of the file of slices, and what a child of the map is given of it. */
export const sliceLine = z.object({
  id: z.number().int(),
  shard: z.number().int(),
  after: z.string(),
  upTo: z.string(),
  traces: z.number().int(),
  sampledOnly: z.boolean().optional(),
  traceIds: z.array(z.string()).optional(),
});

const counts = z.object({
  notSampled: z.number(),
  filtered: z.number(),
  alreadyDone: z.number(),
  incomplete: z.number(),
  deleted: z.number(),
  enqueued: z.number(),
});

/** What was decided about a slice, as an object. Traces are rows: a name for each value would be most of the bytes. */
const decisionObject = z.object({
  v: z.literal(formatVersion),
  decided: z.array(counts),
  wanted: z.array(z.tuple([z.string(), z.number(), z.array(z.number())])),
  unfit: z.array(z.object({ traceId: z.string(), fate: z.enum(['deleted', 'incomplete']) })).optional(),
});

export function toDecisionText({ decided, wanted, unfit }: SliceDecision): string {
  const rows = wanted.map(({ traceId, revision, scorers }) => [traceId, revision, scorers]);
  return JSON.stringify({ v: formatVersion, decided, wanted: rows, unfit });
}

export function fromDecisionText(text: string): SliceDecision {
  const { decided, wanted, unfit } = decisionObject.parse(JSON.parse(text));
  const evaluations = wanted.map(([traceId, revision, scorers]) => ({ traceId, revision, scorers }));
  return { decided, wanted: evaluations, ...(unfit && { unfit }) };
}
