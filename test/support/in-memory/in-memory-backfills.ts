import { crc32 } from 'node:zlib';
import type {
  Backfill,
  BackfillRef,
  Slice,
  SliceDecision,
  SliceProgress,
} from '../../../shared/domain/backfilling/backfill.ts';
import type {
  BackfillStore,
  ClaimBook,
  ClaimStore,
  Coverage,
  CoverageStore,
  DayPartition,
  SliceDecisions,
  SliceFiles,
  SliceProgressStore,
  TraceSlices,
} from '../../../shared/domain/backfilling/ports.ts';
import type { InMemoryTraceIndex } from './in-memory-trace-index.ts';

const shards = 4;

/** What backfills keep, as maps, with the conditions of the real stores. */
export class InMemoryBackfills {
  readonly backfills = new Map<string, Backfill>();
  readonly files = new Map<string, readonly Slice[]>();
  readonly decided = new Map<string, SliceDecision>();
  readonly progressOf = new Map<string, Map<number, SliceProgress>>();
  readonly covered = new Map<string, Coverage>();
  readonly #claims = new Map<string, ClaimBook>();
  readonly #index: InMemoryTraceIndex;

  constructor(index: InMemoryTraceIndex) {
    this.#index = index;
  }

  readonly store: BackfillStore & ClaimStore = {
    get: async (ref) => this.backfills.get(keyOf(ref)),
    create: async (backfill) => {
      if (this.backfills.has(keyOf(backfill))) return false;
      this.backfills.set(keyOf(backfill), backfill);
      return true;
    },
    replace: async (backfill) => {
      if (this.backfills.get(keyOf(backfill))?.revision !== backfill.revision - 1) return false;
      this.backfills.set(keyOf(backfill), backfill);
      return true;
    },
    list: async (experimentId) => [...this.backfills.values()].filter((one) => one.experimentId === experimentId),
    readClaims: async (experimentId) => this.#claims.get(experimentId) ?? { experimentId, revision: 0, claims: [] },
    replaceClaims: async (book) => {
      if ((this.#claims.get(book.experimentId)?.revision ?? 0) !== book.revision - 1) return false;
      this.#claims.set(book.experimentId, book);
      return true;
    },
  };

  readonly sliceFiles: SliceFiles = {
    put: async ({ backfillId }, slices) => {
      const key = `backfills/${backfillId}/${crc32(JSON.stringify(slices))}.jsonl`;
      this.files.set(key, slices);
      return key;
    },
  };

  readonly decisions: SliceDecisions = {
    get: async ({ backfillId }, sliceId) => {
      const decision = this.decided.get(`${backfillId}/${sliceId}`);
      if (!decision) throw new Error(`nothing was decided about slice ${sliceId}`);
      return decision;
    },
    put: async ({ backfillId }, sliceId, decision) => {
      const key = `${backfillId}/${sliceId}`;
      const stands = this.decided.get(key) ?? decision;
      this.decided.set(key, stands);
      return stands;
    },
  };

  readonly progress: SliceProgressStore = {
    get: async (backfillId, sliceId) => this.progressOf.get(backfillId)?.get(sliceId),
    put: async (backfillId, progress) => {
      const slices = this.progressOf.get(backfillId) ?? new Map<number, SliceProgress>();
      this.progressOf.set(backfillId, slices.set(progress.sliceId, progress));
    },
    list: (backfillId) => this.#progressOf(backfillId),
  };

  async *#progressOf(backfillId: string): AsyncGenerator<SliceProgress> {
    yield* [...(this.progressOf.get(backfillId)?.values() ?? [])];
  }

  readonly coverage: CoverageStore = {
    put: async (coverage) => {
      for (const one of coverage) this.covered.set(`${one.name}#${one.version}#${one.backfillId}`, one);
    },
  };

  readonly slices: TraceSlices = {
    shards,
    enclosing: ({ from, to }) => ({ after: digits(from), upTo: `${digits(to)}~` }),
    days: async (experimentId, { after, upTo }) => {
      const days = this.#found({ experimentId }).map(({ position }) => dayOf(position));
      return [...new Set(days)].filter((day) => day >= dayOf(after) && day <= dayOf(upTo)).toSorted();
    },
    count: async (partition, limit) => {
      const found = this.#found(partition).slice(0, limit);
      const last = found.at(-1)?.position;
      return { traces: found.length, ...(found.length === limit && last !== undefined && { last }) };
    },
    read: async (partition, limit) => this.#found(partition).slice(0, limit),
  };

  #found({ experimentId, day, shard, after = '', upTo = '~' }: Partial<DayPartition>) {
    const all = [...this.#index.entries.values()].map(({ info }) => ({
      traceId: info.traceId,
      position: `${digits(info.facts.requestTime)}#${info.traceId}`,
      isOf: info.experimentId === experimentId,
    }));
    return all
      .filter(({ isOf, position }) => isOf && position > after && position <= upTo)
      .filter(({ position }) => day === undefined || dayOf(position) === day)
      .filter(({ traceId }) => shard === undefined || crc32(traceId) % shards === shard)
      .toSorted((a, b) => (a.position < b.position ? -1 : 1));
  }
}

function keyOf({ experimentId, backfillId }: BackfillRef): string {
  return `${experimentId}/${backfillId}`;
}

function digits(epochMs: number): string {
  return String(epochMs).padStart(13, '0');
}

function dayOf(position: string): string {
  return new Date(Number(position.slice(0, 13))).toISOString().slice(0, 10);
}
