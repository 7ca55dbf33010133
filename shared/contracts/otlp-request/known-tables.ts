import type { Clock, OtelTableStore } from '../../domain/ports.ts';
import { remembering } from './remembering.ts';

/** As experiments are. A table that was given to another experiment is sent to its former one for so long. */
const knownForMs = 60_000;
const unknownForMs = 5_000;

export interface KnownTables {
  /** The experiment that answers to a table; one look-up, remembered for a while, since every request asks. */
  experimentOf(table: string): Promise<string | undefined>;
  /** All tables with their experiments, for who named another. */
  list(): ReturnType<OtelTableStore['list']>;
}

export function knownTables(store: Pick<OtelTableStore, 'find' | 'list'>, now: Clock): KnownTables {
  const all = remembering(() => store.list(), { forMs: () => unknownForMs, now });
  return {
    experimentOf: remembering((table: string) => store.find(table), {
      forMs: (experimentId) => (experimentId === undefined ? unknownForMs : knownForMs),
      now,
    }),
    list: () => all(''),
  };
}
