import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Entry, type HistoryEvent, nothingRecorded, type Recorded, record } from './recorded.ts';
import { StateError } from './state-error.ts';

/** Of a STANDARD workflow: Step Functions developer guide, "Service quotas". */
const maxEvents = 25_000;

/** What has happened to an execution, in memory and, where there is a file, on disk before the next thing happens. */
export class ExecutionLog {
  readonly recorded: Recorded = nothingRecorded();
  readonly #file: string | undefined;

  constructor(file?: string) {
    this.#file = file;
    if (file === undefined) return;
    mkdirSync(dirname(file), { recursive: true });
    if (existsSync(file)) for (const entry of readEntries(file)) record(this.recorded, entry);
  }

  add(entry: Entry): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
    record(this.recorded, entry);
  }

  /** Adds an event to the history and answers its number. */
  event(type: string, { at, details = {} }: { at: number; details?: HistoryEvent['details'] }): number {
    const id = this.recorded.events.length + 1;
    // The last one is kept for how it ended.
    if (id >= maxEvents && !type.startsWith('Execution'))
      throw new StateError('States.Runtime', `the history holds at most ${maxEvents} events`);
    this.add({ kind: 'event', event: { id, previousEventId: id - 1, type, at, details } });
    return id;
  }
}

/** A process that was killed while it wrote has left half a line; what comes after stands on the next. */
function readEntries(file: string): readonly Entry[] {
  const text = readFileSync(file, 'utf8');
  if (text !== '' && !text.endsWith('\n')) appendFileSync(file, '\n');
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Entry];
    } catch {
      return [];
    }
  });
}
