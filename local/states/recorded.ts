import type { Settings } from './map-run-settings.ts';

export type Variables = Readonly<Record<string, unknown>>;

export type Status = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** Where a flow of states is; `state` null: at its end, with `input` its output. */
export interface Position {
  readonly state: string | null;
  readonly input: unknown;
  readonly variables: Variables;
}

export interface HistoryEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly type: string;
  /** ms since the epoch. */
  readonly at: number;
  /** The event's own field, e.g. `stateEnteredEventDetails`. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface End {
  readonly status: Exclude<Status, 'RUNNING'>;
  readonly at: number;
  readonly output?: string | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

/** One child workflow of a Map Run: what it is given, and what came of it. */
interface Child {
  readonly name: string;
  readonly input: string;
  /** Items in it: more than one where they are batched. */
  readonly items: number;
}

export interface ChildEnd extends End {
  readonly startedAt: number;
}

interface MapRunStart {
  readonly id: string;
  readonly label: string;
  readonly isExpress: boolean;
  readonly startedAt: number;
  readonly children: readonly Child[];
  readonly settings: Settings;
}

export interface MapRunRecord extends MapRunStart {
  readonly path: string;
  settings: Settings;
  status: Status;
  stoppedAt?: number;
  redriveCount: number;
  redrivenAt?: number;
  resultsWritten: boolean;
  readonly ends: Map<number, ChildEnd>;
}

/** Everything that has happened to an execution, one after the other: what it was is told by these alone. */
export type Entry =
  | { readonly kind: 'started'; readonly name: string; readonly input: string; readonly at: number }
  | { readonly kind: 'entered'; readonly path: string; readonly at: number }
  | { readonly kind: 'retried'; readonly path: string }
  | { readonly kind: 'moved'; readonly path: string; readonly position: Position }
  | { readonly kind: 'event'; readonly event: HistoryEvent }
  | { readonly kind: 'map-run-started'; readonly path: string; readonly run: MapRunStart }
  | { readonly kind: 'map-run-changed'; readonly id: string; readonly settings: Settings }
  | { readonly kind: 'child-ended'; readonly id: string; readonly index: number; readonly end: ChildEnd }
  | { readonly kind: 'results-written'; readonly id: string }
  | { readonly kind: 'map-run-ended'; readonly id: string; readonly status: Status; readonly at: number }
  | { readonly kind: 'map-run-redriven'; readonly id: string; readonly at: number }
  | { readonly kind: 'redriven'; readonly at: number }
  | { readonly kind: 'ended'; readonly end: End };

export interface Recorded {
  name: string;
  input: string;
  startedAt: number;
  end: End | undefined;
  redriveCount: number;
  redrivenAt: number | undefined;
  readonly positions: Map<string, Position>;
  /** When the state at which a flow is was entered, by the flow's path. */
  readonly entered: Map<string, number>;
  readonly events: HistoryEvent[];
  readonly mapRuns: Map<string, MapRunRecord>;
  /** The Map Run of the map state at which a flow is, by the flow's path. */
  readonly currentMapRuns: Map<string, string>;
  /** States entered and retries: what a STANDARD workflow is billed for. */
  transitions: number;
  /** EXPRESS children that were run: each is billed as a request. */
  expressRequests: number;
}

export function nothingRecorded(): Recorded {
  return {
    name: '',
    input: '{}',
    startedAt: 0,
    end: undefined,
    redriveCount: 0,
    redrivenAt: undefined,
    positions: new Map(),
    entered: new Map(),
    events: [],
    mapRuns: new Map(),
    currentMapRuns: new Map(),
    transitions: 0,
    expressRequests: 0,
  };
}

export function record(recorded: Recorded, entry: Entry): void {
  (changes[entry.kind] as Change<Entry['kind']>)(recorded, entry as never);
}

type Change<K extends Entry['kind']> = (recorded: Recorded, entry: Extract<Entry, { kind: K }>) => void;

const changes: { readonly [K in Entry['kind']]: Change<K> } = {
  started: (recorded, { name, input, at }) => Object.assign(recorded, { name, input, startedAt: at }),
  entered: (recorded, { path, at }) => {
    recorded.entered.set(path, at);
    recorded.transitions++;
  },
  retried: (recorded, { path }) => {
    forgetWithin(recorded, path);
    recorded.transitions++;
  },
  moved: (recorded, { path, position }) => {
    forgetWithin(recorded, path);
    recorded.entered.delete(path);
    recorded.positions.set(path, position);
  },
  event: (recorded, { event }) => recorded.events.push(event),
  'map-run-started': (recorded, { path, run }) => {
    recorded.mapRuns.set(run.id, {
      ...run,
      path,
      status: 'RUNNING',
      redriveCount: 0,
      resultsWritten: false,
      ends: new Map(),
    });
    recorded.currentMapRuns.set(path, run.id);
  },
  'map-run-changed': (recorded, { id, settings }) => {
    mapRunOf(recorded, id).settings = settings;
  },
  'child-ended': (recorded, { id, index, end }) => {
    const run = mapRunOf(recorded, id);
    run.ends.set(index, end);
    if (run.isExpress) recorded.expressRequests++;
    if (end.status === 'SUCCEEDED') forgetFrom(recorded, childPath(run, index));
  },
  'results-written': (recorded, { id }) => {
    mapRunOf(recorded, id).resultsWritten = true;
  },
  'map-run-ended': (recorded, { id, status, at }) => {
    Object.assign(mapRunOf(recorded, id), { status, stoppedAt: at });
  },
  'map-run-redriven': (recorded, { id, at }) => {
    const run = mapRunOf(recorded, id);
    for (const [index, { status }] of run.ends) if (status !== 'SUCCEEDED') run.ends.delete(index);
    Object.assign(run, { status: 'RUNNING', redriveCount: run.redriveCount + 1, redrivenAt: at, stoppedAt: undefined });
  },
  redriven: (recorded, { at }) => {
    // One that succeeded is not what failed: the state needs another.
    for (const [path, id] of recorded.currentMapRuns)
      if (mapRunOf(recorded, id).status === 'SUCCEEDED') recorded.currentMapRuns.delete(path);
    Object.assign(recorded, { end: undefined, redriveCount: recorded.redriveCount + 1, redrivenAt: at });
  },
  ended: (recorded, { end }) => {
    recorded.end = end;
  },
};

/** Flows within a state have the path of the flow around it as their beginning. */
export function pathWithin(path: string, state: string, index: number): string {
  return `${path}/${encodeURIComponent(state)}#${index}`;
}

/** Of a child of a Map Run, apart from those of other runs of the same state. */
export function childPath({ path, id }: Pick<MapRunRecord, 'path' | 'id'>, index: number): string {
  return pathWithin(path, id, index);
}

function forgetWithin(recorded: Recorded, path: string): void {
  recorded.currentMapRuns.delete(path);
  forgetFrom(recorded, `${path}/`);
}

function forgetFrom({ positions, entered, currentMapRuns }: Recorded, start: string): void {
  for (const known of [positions, entered, currentMapRuns])
    for (const path of known.keys()) if (path.startsWith(start)) known.delete(path);
}

function mapRunOf({ mapRuns }: Recorded, id: string): MapRunRecord {
  const run = mapRuns.get(id);
  if (!run) throw new Error(`no Map Run ${id}`);
  return run;
}
