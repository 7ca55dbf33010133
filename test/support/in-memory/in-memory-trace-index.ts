import type { Assessment } from '../../../shared/domain/assessment.ts';
import type { EvaluationOutcome } from '../../../shared/domain/evaluation.ts';
import type { TraceBlock, TraceEditor, TraceIndex, TraceRecord, TraceRemover } from '../../../shared/domain/ports.ts';
import type { TraceInfo } from '../../../shared/domain/trace.ts';

interface Entry {
  info: TraceInfo;
  unsettledUntil?: number;
  blocks: Map<string, TraceBlock & { merged: boolean }>;
  foreign: Map<string, TraceBlock>;
  outcomes: Map<string, EvaluationOutcome>;
  assessments: Map<string, Assessment>;
}

function newEntry(info: TraceInfo): Entry {
  return { info, blocks: new Map(), foreign: new Map(), outcomes: new Map(), assessments: new Map() };
}

/** The traces table as a map, with the conditions of the real one. */
export class InMemoryTraceIndex implements TraceIndex {
  readonly entries = new Map<string, Entry>();
  /** What is left of deleted traces; undefined once their deletion is finished. */
  /** Held evaluations of deleted traces, which stay until they are tried. */
  readonly heldOfGone = new Map<string, Map<string, EvaluationOutcome>>();
  readonly tombstones = new Map<string, { entry: Entry; dueAt: number } | undefined>();

  async foundTraces(infos: readonly TraceInfo[]) {
    return infos.map((info) => {
      if (this.entries.has(info.traceId) || this.tombstones.has(info.traceId)) return 'exists' as const;
      this.entries.set(info.traceId, newEntry(info));
      return 'founded' as const;
    });
  }

  /** What the sweep finds. */
  due(now: number): readonly string[] {
    const open = [...this.entries.values()].map(({ info }) => ({ traceId: info.traceId, dueAt: info.dueAt }));
    const deleted = [...this.tombstones].map(([traceId, left]) => ({ traceId, dueAt: left?.dueAt }));
    return [...open, ...deleted].flatMap(({ traceId, dueAt }) => (dueAt !== undefined && dueAt <= now ? traceId : []));
  }

  readonly editor: Pick<TraceEditor, 'found' | 'amend' | 'noteAttachment'> = {
    found: async (info, { dueAt }) => {
      if (this.entries.has(info.traceId) || this.tombstones.has(info.traceId)) return false;
      this.entries.set(info.traceId, { ...newEntry({ ...info, dueAt: dueAt + 20_000 }), unsettledUntil: dueAt });
      return true;
    },
    amend: async (info, { expectedRevision, mark: { now, dueAt } }) => {
      const entry = this.entries.get(info.traceId);
      if (entry?.info.revision !== expectedRevision) return 'conflict';
      const before = entry.unsettledUntil ?? 0;
      entry.info = { ...info, dueAt: dueAt + 20_000 };
      entry.unsettledUntil = dueAt;
      return before > now ? 'amended' : 'marked';
    },
    noteAttachment: async () => {},
  };

  readonly remover: TraceRemover = {
    bury: async (traceId, { dueAt }) => {
      const entry = this.entries.get(traceId);
      if (!entry) return false;
      this.entries.delete(traceId);
      const held = [...entry.outcomes].filter(([, { dueAt }]) => dueAt !== undefined);
      if (held.length > 0) this.heldOfGone.set(traceId, new Map(held));
      this.tombstones.set(traceId, { entry, dueAt });
      return true;
    },
    remains: async (traceId) => {
      const entry = this.tombstones.get(traceId)?.entry;
      if (!entry) return undefined;
      const beside = [...entry.blocks.values(), ...entry.foreign.values()].map(({ block }) => block);
      return { experimentId: entry.info.experimentId, blocks: [...entry.info.blocks, ...beside], attachments: [] };
    },
    clear: async (traceId) => {
      if (this.tombstones.has(traceId)) this.tombstones.set(traceId, undefined);
    },
    deletedAmong: async (traceIds) => new Set(traceIds.filter((id) => this.tombstones.has(id))),
  };

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
    const entry = this.entries.get(traceId);
    if (!entry) return false;
    if (entry.unsettledUntil !== undefined && entry.unsettledUntil > now) return false;
    entry.unsettledUntil = dueAt;
    entry.info = { ...entry.info, dueAt: dueAt + 20_000 };
    return true;
  }

  async clearUnsettled(traceId: string) {
    delete this.entries.get(traceId)?.unsettledUntil;
  }

  async replaceInfo(info: TraceInfo, expectedRevision: number) {
    const entry = this.entries.get(info.traceId);
    if (entry?.info.revision !== expectedRevision || entry.unsettledUntil !== undefined) return false;
    entry.info = info;
    return true;
  }

  private existing(traceId: string): Entry {
    const entry = this.entries.get(traceId);
    if (!entry) throw new Error(`no trace ${traceId}`);
    return entry;
  }
}
