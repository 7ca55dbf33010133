import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidRowError } from '../../shared/contracts/data-rows/invalid-row-error.ts';
import { parseRow } from '../../shared/contracts/data-rows/parse-row.ts';
import { sessionOf } from '../../shared/domain/facts/who.ts';
import { settleInParallel, valuesOf } from '../../shared/domain/in-parallel.ts';
import type { ScorableTrace } from '../../shared/domain/scorable-trace.ts';
import { progressBar } from '../progress-bar.ts';
import { createEvaluator, type EvaluatorDeps, type LocalScorer, type ScorerOutcome } from './evaluator.ts';
import { localJudging, type ModelOptions } from './judging.ts';
import { loadScorers } from './load-scorers.ts';
import { localCode } from './local-code.ts';
import { type Row, readRows } from './read-rows.ts';
import type { BadRow, Evaluation } from './show.ts';
import { type EvaluatedRow, summarize } from './summarize.ts';

export interface EvaluateFileOptions extends ModelOptions {
  readonly data: string;
  readonly scorers: readonly string[];
}

export interface EvaluateFileDeps {
  /** Shows a line in the place of the one before it; on a terminal only. */
  readonly show: (line: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs scorers over the rows of a file. Throws UsageError; rows that cannot be read are told of. */
export async function evaluateFile(
  options: EvaluateFileOptions,
  { show, environment }: EvaluateFileDeps,
): Promise<Evaluation> {
  const code = localCode();
  try {
    const scorers = loadScorers(options.scorers, code.run);
    const definitions = scorers.map(({ version }) => version.serialized);
    const judging = localJudging(options, { definitions, environment });
    const deps = { judging, now: Date.now, sleep };
    const rows = await readRows(options.data);
    const loaded = rows.map(parsed);
    const good = loaded.filter((row) => 'trace' in row);
    const { concurrency: limit } = options;
    const ofTraces = await judgeTraces(good, { scorers, deps, limit, show });
    const ofSessions = await judgeSessions(good, { scorers, deps, limit });
    show('');
    const evaluated = good.map(({ line, trace }, i): EvaluatedRow => {
      const outcomes = [...(ofTraces[i] ?? []), ...(ofSessions.get(line) ?? [])];
      return { line, traceId: trace.traceId, outcomes };
    });
    const names = scorers.map(({ version }) => version.name);
    const badRows = loaded.filter((row) => 'message' in row);
    return { rows: evaluated, badRows, summaries: summarize(names, evaluated) };
  } finally {
    await code.close();
  }
}

interface GoodRow {
  readonly line: number;
  readonly trace: ScorableTrace;
}

function parsed({ line, text }: Row): GoodRow | BadRow {
  try {
    return { line, trace: parseRow(text, { now: Date.now() }) };
  } catch (error) {
    if (error instanceof InvalidRowError) return { line, message: error.message };
    throw error;
  }
}

interface Judges {
  readonly scorers: readonly LocalScorer[];
  readonly deps: EvaluatorDeps;
  /** At once. */
  readonly limit: number;
}

/** In the order of the rows. */
async function judgeTraces(
  rows: readonly GoodRow[],
  { scorers, deps, limit, show }: Judges & Pick<EvaluateFileDeps, 'show'>,
): Promise<readonly (readonly ScorerOutcome[])[]> {
  const evaluate = createEvaluator(ofLevel(scorers, 'trace'), deps);
  let done = 0;
  const task = async ({ trace }: GoodRow) => {
    const outcomes = await evaluate([trace]);
    show(`${progressBar(++done, rows.length)}  ${done} of ${rows.length} rows`);
    return outcomes;
  };
  return valuesOf(await settleInParallel(rows, { limit, task }));
}

/** By the line of the first trace of each session: it has what is found, as in production. */
async function judgeSessions(
  rows: readonly GoodRow[],
  { scorers, deps, limit }: Judges,
): Promise<ReadonlyMap<number, readonly ScorerOutcome[]>> {
  const evaluate = createEvaluator(ofLevel(scorers, 'session'), deps);
  const sessions = Map.groupBy(rows, ({ trace }) => sessionOf(trace.facts));
  sessions.delete(undefined);
  const task = async (members: readonly GoodRow[]) => {
    const inOrder = members.toSorted((a, b) => a.trace.facts.requestTime - b.trace.facts.requestTime);
    const [first, ...others] = inOrder as [GoodRow, ...GoodRow[]];
    return [first.line, await evaluate([first.trace, ...others.map(({ trace }) => trace)])] as const;
  };
  return new Map(valuesOf(await settleInParallel([...sessions.values()], { limit, task })));
}

function ofLevel(scorers: readonly LocalScorer[], wanted: LocalScorer['level']): readonly LocalScorer[] {
  return scorers.filter(({ level }) => level === wanted);
}
