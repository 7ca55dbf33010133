/** A run groups what an evaluation or an application's execution leaves: parameters, metrics, tags, and the traces linked to it. */
export interface RunInfo {
  readonly runId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly status: RunStatus;
  /** Epoch ms. */
  readonly startTime: number;
  readonly endTime?: number;
  readonly artifactUri: string;
  /** Its own; in a deleted experiment every run counts as deleted. */
  readonly lifecycleStage: 'active' | 'deleted';
}

export const runStatuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
type RunStatus = (typeof runStatuses)[number];

export interface Run {
  readonly info: RunInfo;
  /** The latest of each key. */
  readonly metrics: readonly Metric[];
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly inputs: readonly DatasetInput[];
}

export interface Metric {
  readonly key: string;
  /** NaN is possible, infinities are not: they are kept as the largest number. */
  readonly value: number;
  /** Epoch ms. */
  readonly timestamp: number;
  readonly step: number;
}

export interface DatasetInput {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema?: string;
  readonly profile?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The tag under which MLflow shows a run's name, which is kept with the run itself. */
export const runNameTag = 'mlflow.runName';

/** 2^44 ms: the year 2527. */
export const maxStartTime = 2 ** 44 - 1;

/**
 * 32 hexadecimal digits, as MLflow's: 8 of the experiment, 11 of the start time, 13 of chance. So a run is found by its id with one
 * read, and the order of ids in an experiment is the order of time.
 */
export function makeRunId(
  { experimentId, startTime }: Pick<RunInfo, 'experimentId' | 'startTime'>,
  randomHex: string,
): string {
  return hex(Number(experimentId), 8) + hex(startTime, 11) + randomHex.slice(-13);
}

/** The experiment of a run; undefined where no run can have this id. */
export function experimentOfRun(runId: string): string | undefined {
  return /^[0-7][0-9a-f]{31}$/.test(runId) ? String(Number.parseInt(runId.slice(0, 8), 16)) : undefined;
}

/** Below which the ids of an experiment's runs stand that come after `runId` in the order newest first, over all experiments. */
export function runIdBound(experimentId: string, runId: string): string {
  const own = hex(Number(experimentId), 8);
  const theirs = runId.slice(0, 8);
  if (own === theirs) return runId;
  const sameTime = own + runId.slice(8, 19);
  // Of the same time, those of smaller experiments come after. `g` stands behind all hexadecimal digits.
  return own < theirs ? `${sameTime}g` : sameTime;
}

/** Newest first, and of the same time the greater id. */
export function compareRuns(a: RunInfo, b: RunInfo): number {
  return b.startTime - a.startTime || (a.runId < b.runId ? 1 : -1);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

const qualities =
  'amiable bright calm daring eager fair gentle honest jolly keen lively mellow nimble proud quiet rapid shrewd tidy upbeat wise'.split(
    ' ',
  );
const animals =
  'badger crane dolphin egret falcon gecko heron ibis jay koala lynx marten newt otter panda quail raven seal toad wren'.split(
    ' ',
  );

/** A name for a run that was given none, as MLflow makes them: `wise-otter-482`. */
export function makeRunName(randomHex: string): string {
  const pick = (from: number) => Number.parseInt(randomHex.slice(-12).slice(from, from + 4), 16);
  return `${qualities[pick(0) % qualities.length]}-${animals[pick(4) % animals.length]}-${pick(8) % 1000}`;
}
