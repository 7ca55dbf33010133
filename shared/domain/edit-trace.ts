import { isDeepStrictEqual } from 'node:util';
import { ApiError } from './api-error.ts';
import { type TraceStatement, withStatement } from './explicit-facts.ts';
import type { Clock, RuleStore, SettleQueue, TraceEditor, TraceReader } from './ports.ts';
import { existingTrace } from './read-trace.ts';
import type { TraceInfo } from './trace.ts';

export interface EditTraceDeps {
  readonly index: Pick<TraceReader, 'getInfos'>;
  readonly editor: TraceEditor;
  readonly rules: Pick<RuleStore, 'current'>;
  readonly settleQueue: SettleQueue;
  readonly now: Clock;
}

const attempts = 8;

/**
 * Writes what is said of a trace that its client has ended, before its spans or after them, and whatever else writes to it meanwhile.
 * A trace of which nothing has arrived is founded without spans. Saying it again changes nothing.
 */
export async function startTrace(
  { traceId, experimentId, statement }: { traceId: string; experimentId: string; statement: TraceStatement },
  deps: EditTraceDeps,
): Promise<TraceInfo> {
  return editUntilDone(traceId, deps, async () => {
    const info = (await deps.index.getInfos([traceId])).get(traceId);
    if (info && info.experimentId !== experimentId) {
      throw new ApiError('INVALID_PARAMETER_VALUE', `trace ${traceId} already exists in another experiment`);
    }
    return info ? amend(info, { statement, deps }) : found({ traceId, experimentId, statement }, deps);
  });
}

/** Changes what is said of a trace. @throws ApiError where the change refuses it, or there is no such trace */
export async function editTrace(
  traceId: string,
  change: (info: TraceInfo) => TraceStatement,
  deps: EditTraceDeps,
): Promise<TraceInfo> {
  return editUntilDone(traceId, deps, async () => {
    const info = await existingTrace(traceId, deps.index);
    return amend(info, { statement: change(info), deps });
  });
}

async function editUntilDone(
  traceId: string,
  { index }: EditTraceDeps,
  edit: () => Promise<TraceInfo | undefined>,
): Promise<TraceInfo> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const edited = await edit();
    if (edited) return edited;
  }
  // Where it was deleted, nothing can be said of it any more.
  await existingTrace(traceId, index);
  throw new ApiError('REQUEST_LIMIT_EXCEEDED', `trace ${traceId} is being changed by too many at once: try again`);
}

/** Undefined where another writer was first. */
async function amend(
  info: TraceInfo,
  { statement, deps }: { statement: TraceStatement; deps: EditTraceDeps },
): Promise<TraceInfo | undefined> {
  const said = withStatement(info, statement);
  // Whoever wrote it before may have died before the message: then the sweep finds the mark.
  if (isDeepStrictEqual(said, info)) return info;
  const next = { ...said, revision: info.revision + 1 };
  const { mark, delaySeconds } = await settling(info.experimentId, deps);
  const outcome = await deps.editor.amend(next, { expectedRevision: info.revision, mark });
  if (outcome === 'conflict') return undefined;
  if (outcome === 'marked') await deps.settleQueue.settle([info.traceId], { delaySeconds });
  return next;
}

async function found(
  { traceId, experimentId, statement }: { traceId: string; experimentId: string; statement: TraceStatement },
  deps: EditTraceDeps,
): Promise<TraceInfo | undefined> {
  const now = deps.now();
  const empty: TraceInfo = {
    traceId,
    experimentId,
    facts: {
      requestTime: now,
      durationMs: 0,
      state: 'IN_PROGRESS',
      tags: {},
      metadata: {},
      models: [],
      spanCount: 0,
      errorCount: 0,
      toolCallCount: 0,
      toolErrorCount: 0,
      complete: false,
    },
    blocks: [],
    revision: 1,
    completeness: 'open',
    lastArrivalAt: now,
  };
  const info = withStatement(empty, statement);
  const { mark, delaySeconds } = await settling(experimentId, deps);
  if (!(await deps.editor.found(info, mark))) return undefined;
  await deps.settleQueue.settle([traceId], { delaySeconds });
  return info;
}

/** Whatever was said reaches the archive, and the decision, when the trace is settled. */
async function settling(experimentId: string, { rules, now }: EditTraceDeps) {
  const delaySeconds = (await rules.current(experimentId)).settings.settleDelaySeconds;
  const at = now();
  return { mark: { now: at, dueAt: at + delaySeconds * 1000 }, delaySeconds };
}
