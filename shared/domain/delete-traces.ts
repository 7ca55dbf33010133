import { settleInParallel, valuesOf } from './in-parallel.ts';
import type {
  AttachmentStore,
  Clock,
  DeletionArchive,
  SegmentStore,
  TraceReader,
  TraceRemover,
  TraceSearch,
} from './ports.ts';

export interface FinishDeletionDeps {
  readonly remover: TraceRemover;
  readonly segments: Pick<SegmentStore, 'erase'>;
  readonly attachments: Pick<AttachmentStore, 'remove'>;
  readonly deletions: DeletionArchive;
}

export interface DeleteTracesDeps extends FinishDeletionDeps {
  readonly index: Pick<TraceReader, 'getInfos'>;
  readonly search: TraceSearch;
  readonly now: Clock;
}

const deletesAtOnce = 8;
const batchSize = 200;
/** A deletion that its deleter has not finished by then is finished by the sweep. */
const graceMs = 60_000;

/** Deletes those of the traces that belong to the experiment. Answers how many there were. */
export async function deleteTraces(
  traceIds: readonly string[],
  { experimentId, deps }: { experimentId: string; deps: DeleteTracesDeps },
): Promise<number> {
  const infos = await deps.index.getInfos([...new Set(traceIds)]);
  const meant = [...infos.values()].filter((info) => info.experimentId === experimentId);
  const task = ({ traceId }: { traceId: string }) => deleteTrace(traceId, deps);
  return valuesOf(await settleInParallel(meant, { limit: deletesAtOnce, task })).filter(Boolean).length;
}

/** Deletes the oldest traces of an experiment up to a request time, until `limit` or `until` is reached. Answers how many. */
export async function deleteOldTraces(
  { experimentId, to, limit, until }: { experimentId: string; to: number; limit: number; until: number },
  deps: DeleteTracesDeps,
): Promise<number> {
  let deleted = 0;
  let before: string | undefined;
  while (deleted < limit && deps.now() < until) {
    const wanted = Math.min(batchSize, limit - deleted);
    const found = await deps.search.find({
      experimentIds: [experimentId],
      from: 0,
      to,
      before,
      limit: wanted,
      ascending: true,
    });
    if (found.length === 0) break;
    deleted += await deleteTraces(
      found.map(({ traceId }) => traceId),
      { experimentId, deps },
    );
    before = found.at(-1)?.position;
  }
  return deleted;
}

async function deleteTrace(traceId: string, deps: DeleteTracesDeps): Promise<boolean> {
  const now = deps.now();
  const wasThere = await deps.remover.bury(traceId, { now, dueAt: now + graceMs });
  await finishDeletion(traceId, deps);
  return wasThere;
}

/** Removes what a deleted trace has left behind; may be repeated, and does nothing where nothing is left. */
export async function finishDeletion(
  traceId: string,
  { remover, segments, attachments, deletions }: FinishDeletionDeps,
): Promise<void> {
  const remains = await remover.remains(traceId);
  if (remains === undefined) return;
  const { experimentId, blocks } = remains;
  await segments.erase(blocks);
  for (const name of remains.attachments) await attachments.remove({ experimentId, traceId, name });
  // The tombstone expires; that the trace was deleted stays in the archive, as it does itself.
  await deletions.addDeleted([{ traceId, experimentId }]);
  await remover.clear(traceId);
}
