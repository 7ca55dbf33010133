import type { Assessment } from '../../../shared/domain/assessment.ts';
import type { EvaluationOutcome } from '../../../shared/domain/evaluation.ts';
import type { TraceBlock, TraceIndex, TraceRecord } from '../../../shared/domain/ports.ts';
import type { TraceInfo } from '../../../shared/domain/trace.ts';

interface Entry {
  info: TraceInfo;
  unsettledUntil?: number;
  blocks: Map<string, TraceBlock & { merged: boolean }>;
  foreign: Map<string, TraceBlock>;
  outcomes: Map<string, EvaluationOutcome>;
  assessments: Map<string, Assessment>;
}

/** The traces table as a map, with the conditions of the real one. */
export class InMemoryTraceIndex implements TraceIndex {
  readonly entries = new Map<string, Entry>();

  async foundTraces(infos: readonly TraceInfo[]) {
    return infos.map((info) => {
      if (this.entries.has(info.traceId)) return 'exists' as const;
      const empty = { blocks: new Map(), foreign: new Map(), outcomes: new Map(), assessments: new Map() };
      this.entries.set(info.traceId, { info, ...empty });
      return 'founded' as const;
    });
  }

  async getInfos(traceIds: readonly string[]) {
    return new Map(
      traceIds.flatMap((id) => {
        const entry = this.entries.get(id);
        return entry ? [[id, entry.info] as const] : [];
      }),
    );
  }

  async readTrace(traceId: string): Promise<TraceRecord | undefined> {
    const entry = this.entries.get(traceId);
    if (!entry) return undefined;
    return {
      info: entry.info,
      hasMerged: [...entry.blocks.values()].some(({ merged }) => merged),
      unsettled: entry.unsettledUntil !== undefined,
      unmerged: [...entry.blocks.values()].filter(({ merged }) => !merged).map(({ merged: _, ...block }) => block),
      foreignBlocks: [...entry.foreign.values()],
      outcomes: [...entry.outcomes.values()],
      assessments: [...entry.assessments.values()],
    };
  }

  async knownBlocks(blocks: readonly TraceBlock[]) {
    return new Map(
      blocks.flatMap(({ traceId, block }) => {
        const known = this.entries.get(traceId)?.blocks.get(block.hash);
        return known ? [[block.hash, known.merged ? ('merged' as const) : ('unmerged' as const)]] : [];
      }),
    );
  }

  async addBlocks(blocks: readonly TraceBlock[], owner?: { foreignExperimentId: string }) {
    for (const block of blocks) {
      const entry = this.existing(block.traceId);
      if (owner) entry.foreign.set(`${owner.foreignExperimentId}#${block.block.hash}`, block);
      else entry.blocks.set(block.block.hash, { ...block, merged: false });
    }
  }

  async markMerged(blocks: readonly TraceBlock[]) {
    for (const block of blocks) this.existing(block.traceId).blocks.set(block.block.hash, { ...block, merged: true });
  }

  async markUnsettled(traceId: string, { now, dueAt }: { now: number; dueAt: number }) {
    const entry = this.existing(traceId);
    if (entry.unsettledUntil !== undefined && entry.unsettledUntil > now) return false;
    entry.unsettledUntil = dueAt;
    entry.info = { ...entry.info, dueAt: dueAt + 20_000 };
    return true;
  }

  async clearUnsettled(traceId: string) {
    delete this.existing(traceId).unsettledUntil;
  }

  async replaceInfo(info: TraceInfo, expectedRevision: number) {
    const entry = this.existing(info.traceId);
    if (entry.info.revision !== expectedRevision || entry.unsettledUntil !== undefined) return false;
    entry.info = info;
    return true;
  }

  private existing(traceId: string): Entry {
    const entry = this.entries.get(traceId);
    if (!entry) throw new Error(`no trace ${traceId}`);
    return entry;
  }
}
