import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { EvaluationOutcome } from '../domain/evaluation.ts';
import { sessionOf } from '../domain/facts/who.ts';
import { type OpenWorkKind, openWorkShards } from '../domain/open-work.ts';
import type { Attachment, TraceBlock } from '../domain/ports.ts';
import type { Explicit, TraceDecision, TraceFacts, TraceInfo } from '../domain/trace.ts';

/** The format of the items below; a reader refuses what it does not know. */
const formatVersion = 1;

/** Partitions of the time index for each experiment and day: each takes about 1,000 new traces a second (DynamoDB's limit). */
export const timeShards = 4;

/** Options that the items depend on and the domain does not. */
export interface TraceItemOptions {
  /** How long the trace store keeps a trace, days. */
  readonly retentionDays: number;
}

/** The `info` item of the traces table. Written whole; every attribute that has nothing to say is left out: bytes are write units. */
export function toInfoItem(info: TraceInfo, options: TraceItemOptions): Record<string, unknown> {
  const { facts, decision, explicit } = info;
  const session = sessionOf(facts);
  return {
    pk: info.traceId,
    sk: 'info',
    v: formatVersion,
    experimentId: info.experimentId,
    facts: compactFacts(facts),
    blocks: info.blocks,
    revision: info.revision,
    completeness: info.completeness,
    lastArrivalAt: info.lastArrivalAt,
    ...(decision && { decision }),
    ...(explicit && { explicit }),
    ...timeKeys(info),
    ...(session && { sessionPk: sessionPartitionKey(info.experimentId, session), sessionSk: timeSortKey(info) }),
    ...(facts.clientRequestId && {
      clientRequestPk: clientRequestPartitionKey(info.experimentId, facts.clientRequestId),
      clientRequestSk: timeSortKey(info),
    }),
    ...(info.dueAt !== undefined && { openWorkPk: openWorkKey('trace', info.traceId), dueAt: info.dueAt }),
    expiresAt: expiresAt(info.lastArrivalAt, options.retentionDays),
  };
}

/** Attributes of the item that an info may lack: a rewrite takes them away where it has them no more. */
export const optionalInfoAttributes = [
  'decision',
  'explicit',
  'sessionPk',
  'sessionSk',
  'clientRequestPk',
  'clientRequestSk',
  'openWorkPk',
  'dueAt',
] as const;

/** What `toInfoItem` wrote, as the domain knows it; `assessmentIds` are written beside it. */
export function fromInfoItem(item: Record<string, unknown>): TraceInfo {
  if (item.v !== formatVersion) throw new Error(`trace item of format ${String(item.v)}, expected ${formatVersion}`);
  const { pk, experimentId, facts, blocks, revision, completeness, lastArrivalAt, dueAt, decision, explicit } = item;
  const assessmentIds = item.assessmentIds as ReadonlySet<string> | undefined;
  return {
    traceId: pk as string,
    experimentId: experimentId as string,
    facts: { ...emptyFacts, ...(facts as Partial<TraceFacts>) } as TraceFacts,
    blocks: blocks as TraceInfo['blocks'],
    revision: revision as number,
    completeness: completeness as TraceInfo['completeness'],
    lastArrivalAt: lastArrivalAt as number,
    ...(dueAt !== undefined && { dueAt: dueAt as number }),
    ...(decision !== undefined && { decision: decision as TraceDecision }),
    ...(explicit !== undefined && { explicit: explicit as Explicit }),
    ...(assessmentIds !== undefined && { assessmentIds: [...assessmentIds].toSorted() }),
  };
}

const emptyFacts = { tags: {}, metadata: {}, models: [], errorCount: 0, toolCallCount: 0, toolErrorCount: 0 };

/** The facts without what `emptyFacts` puts back. */
function compactFacts(facts: TraceFacts): Record<string, unknown> {
  const isEmpty = (value: unknown) =>
    value === undefined ||
    value === 0 ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  const always = new Set(['requestTime', 'durationMs', 'spanCount']);
  return Object.fromEntries(Object.entries(facts).filter(([key, value]) => always.has(key) || !isEmpty(value)));
}

/** A further block of a trace, or one that has been merged (`merged`), or one of another experiment's key. */
export function toBlockItem(
  { traceId, block, arrivedAt }: TraceBlock,
  options: { retentionDays: number; merged?: boolean; foreignExperimentId?: string },
): Record<string, unknown> {
  const foreign = options.foreignExperimentId;
  return {
    pk: traceId,
    sk: foreign === undefined ? blockSortKey(block.hash) : `foreign#${foreign}#${block.hash}`,
    v: formatVersion,
    block,
    arrivedAt,
    ...(options.merged && { merged: true }),
    ...(foreign !== undefined && { foreignExperimentId: foreign }),
    expiresAt: expiresAt(arrivedAt, options.retentionDays),
  };
}

export function fromBlockItem(item: Record<string, unknown>): TraceBlock {
  return { traceId: item.pk as string, block: item.block as TraceBlock['block'], arrivedAt: item.arrivedAt as number };
}

/** That a trace has an attachment: whoever deletes the trace finds it here. */
export function toAttachmentItem(
  { traceId, name }: Attachment,
  { now, retentionDays }: TraceItemOptions & { now: number },
): Record<string, unknown> {
  return { pk: traceId, sk: `${attachmentPrefix}${name}`, v: formatVersion, expiresAt: expiresAt(now, retentionDays) };
}

const attachmentPrefix = 'attachment#';

/** The attachment that a sort key names, if it does. */
export function attachmentName(sk: string): string | undefined {
  return sk.startsWith(attachmentPrefix) ? sk.slice(attachmentPrefix.length) : undefined;
}

const evaluationPrefix = 'evaluation#';

export function evaluationKey({
  traceId,
  scorerName,
  scorerVersion,
}: Pick<EvaluationOutcome, 'traceId' | 'scorerName' | 'scorerVersion'>): { pk: string; sk: string } {
  return { pk: traceId, sk: evaluationSortKey({ scorerName, scorerVersion }) };
}

export function toEvaluationItem(outcome: EvaluationOutcome, retentionDays: number): Record<string, unknown> {
  const { traceId, ...rest } = outcome;
  return {
    ...evaluationKey(outcome),
    v: formatVersion,
    ...rest,
    ...(outcome.dueAt !== undefined && { openWorkPk: openWorkKey('evaluation', traceId) }),
    expiresAt: expiresAt(outcome.finishedAt, retentionDays),
  };
}

export function evaluationSortKey({
  scorerName,
  scorerVersion,
}: Pick<EvaluationOutcome, 'scorerName' | 'scorerVersion'>): string {
  return `${evaluationPrefix}${scorerName}#${scorerVersion}`;
}

/** Whether it is an evaluation that the sweep will ask for. */
export function isDueEvaluation({ sk, openWorkPk }: Record<string, unknown>): boolean {
  return String(sk).startsWith(evaluationPrefix) && openWorkPk !== undefined;
}

export function fromEvaluationItem(item: Record<string, unknown>): EvaluationOutcome {
  const { pk, sk: _, v: __, expiresAt: ___, openWorkPk: ____, ...rest } = item;
  return { traceId: pk as string, ...rest } as EvaluationOutcome;
}

export function blockSortKey(hash: string): string {
  return `block#${hash}`;
}

/** The key of unfinished work on the `open-work` index, beside its due time. */
export function openWorkKey(kind: OpenWorkKind, id: string): string {
  return openWorkShardKey(kind, crc32(id) % openWorkShards);
}

export function openWorkShardKey(kind: OpenWorkKind, shard: number): string {
  return `${kind}#${shard}`;
}

/** The partition of the time index that a trace stands in, 0 to `timeShards` - 1. */
function timeShard(traceId: string): number {
  return crc32(traceId) % timeShards;
}

/** Partition key of `by-time`: `day` is the UTC date of the request time, yyyy-mm-dd. */
export function timePartitionKey(experimentId: string, day: string, shard: number): string {
  return `${experimentId}#${day}#${shard}`;
}

/**
 * That an experiment has traces of a day: a search visits just these days. One item a day, not one a trace; it outlives the traces
 * that made it be written.
 */
export function toDayItem(
  experimentId: string,
  day: string,
  options: TraceItemOptions & { now: number },
): Record<string, unknown> {
  return {
    pk: daysKey(experimentId),
    sk: day,
    v: formatVersion,
    expiresAt: expiresAt(options.now, options.retentionDays + 2),
  };
}

export function daysKey(experimentId: string): string {
  return `days#${experimentId}`;
}

/** UTC date, yyyy-mm-dd. */
export function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

/** Sort key of `by-time`, `by-session` and `by-client-request`: 13 digits of epoch ms sort as text until the year 2286. */
function timeSortKey(info: Pick<TraceInfo, 'traceId' | 'facts'>): string {
  return `${timePrefix(info.facts.requestTime)}#${info.traceId}`;
}

export function timePrefix(epochMs: number): string {
  return String(Math.min(Math.max(0, Math.floor(epochMs)), 9_999_999_999_999)).padStart(13, '0');
}

/** Partition key of `by-session`. */
export function sessionPartitionKey(experimentId: string, sessionId: string): string {
  return `${experimentId}#${keyText(sessionId)}`;
}

/** Partition key of `by-client-request`. */
export function clientRequestPartitionKey(experimentId: string, clientRequestId: string): string {
  return `${experimentId}#${keyText(clientRequestId)}`;
}

/** User text in a key: a partition key holds 2,048 bytes, so longer text enters as its hash. */
export function keyText(text: string): string {
  return Buffer.byteLength(text) <= 512 ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function timeKeys(info: TraceInfo): { timePk: string; timeSk: string } {
  const day = dayOf(info.facts.requestTime);
  return {
    timePk: timePartitionKey(info.experimentId, day, timeShard(info.traceId)),
    timeSk: timeSortKey(info),
  };
}

/** DynamoDB's TTL attribute, epoch seconds. */
export function expiresAt(fromMs: number, retentionDays: number): number {
  return Math.floor(fromMs / 1000) + retentionDays * 86_400;
}
