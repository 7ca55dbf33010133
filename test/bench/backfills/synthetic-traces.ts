import { createHash } from 'node:crypto';
import type { TraceSlices } from '../../../shared/domain/backfilling/ports.ts';
import type { FoundTrace } from '../../../shared/domain/ports.ts';
import type { TraceInfo } from '../../../shared/domain/trace.ts';
import { aTraceInfo } from '../../support/builders/a-trace-info.ts';

const [days, shards, dayMs] = [60, 4, 86_400_000];
const firstDay = Date.UTC(2026, 8, 1);

/** So many traces over sixty days, as the time index has them, made up when they are asked for. */
export class SyntheticTraces {
  readonly #perPartition: number;

  constructor(traces: number) {
    this.#perPartition = Math.round(traces / days / shards);
  }

  readonly range = { from: firstDay, to: firstDay + days * dayMs - 1 };

  readonly slices: TraceSlices = {
    shards,
    enclosing: ({ from, to }) => ({ after: digits(from), upTo: `${digits(to)}~` }),
    days: async (_, { after, upTo }) => {
      const [first, last] = [dayOf(after), dayOf(upTo)];
      return Array.from({ length: days }, (_, i) => new Date(firstDay + i * dayMs).toISOString().slice(0, 10)).filter(
        (day) => day >= first && day <= last,
      );
    },
    count: async (partition, limit) => {
      const { start, end } = this.#within(partition);
      const traces = Math.max(0, Math.min(limit, end - start));
      return traces === limit ? { traces, last: this.#at(partition, start + traces - 1).position } : { traces };
    },
    read: async (partition, limit) => {
      const { start, end } = this.#within(partition);
      const length = Math.max(0, Math.min(limit, end - start));
      return Array.from({ length }, (_, i) => this.#at(partition, start + i));
    },
  };

  /** The places in a partition that lie behind `after` and up to `upTo`. */
  #within({ day, shard, after, upTo }: { day: string; shard: number; after: string; upTo: string }) {
    const place = (position: string) => {
      const near = Math.floor(((Number(position.slice(0, 13)) - Date.parse(day)) / dayMs) * this.#perPartition);
      let at = Math.min(this.#perPartition, Math.max(0, near - 2));
      while (at < this.#perPartition && this.#at({ day, shard }, at).position <= position) at++;
      return at;
    };
    return { start: place(after), end: place(upTo) };
  }

  #at({ day, shard }: { day: string; shard: number }, place: number): FoundTrace {
    const time = Date.parse(day) + Math.floor((place * dayMs) / this.#perPartition);
    // Hashing again and again would be the bench's own work: one hash a partition, counted on.
    const traceId = `tr-${hashOf(`${day}/${shard}`)}${place.toString(16).padStart(8, '0')}`;
    return { traceId, position: `${digits(time)}#${traceId}` };
  }

  infoOf(traceId: string): TraceInfo {
    return aTraceInfo({ traceId, experimentId: '7' });
  }
}

const hashes = new Map<string, string>();

function hashOf(text: string): string {
  const known = hashes.get(text) ?? createHash('sha256').update(text).digest('hex').slice(0, 24);
  hashes.set(text, known);
  return known;
}

function digits(epochMs: number): string {
  return String(epochMs).padStart(13, '0');
}

function dayOf(position: string): string {
  return new Date(Number(position.slice(0, 13))).toISOString().slice(0, 10);
}
