import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidRowError } from '../../shared/contracts/data-rows/invalid-row-error.ts';
import { parseRow } from '../../shared/contracts/data-rows/parse-row.ts';
import { settleInParallel, valuesOf } from '../../shared/domain/in-parallel.ts';
import type { ScorableTrace } from '../../shared/domain/scorable-trace.ts';
import { progressBar } from '../progress-bar.ts';
import { createEvaluator } from './evaluator.ts';
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
    const evaluator = createEvaluator(scorers, { judging, now: Date.now, sleep });
    const rows = await readRows(options.data);
    let done = 0;
    const task = async (row: Row): Promise<EvaluatedRow | BadRow> => {
      const trace = parsed(row);
      const result =
        'message' in trace ? trace : { line: row.line, traceId: trace.traceId, outcomes: await evaluator(trace) };
      show(`${progressBar(++done, rows.length)}  ${done} of ${rows.length} rows`);
      return result;
    };
    const results = valuesOf(await settleInParallel(rows, { limit: options.concurrency, task }));
    show('');
    const evaluated = results.flatMap((result) => ('message' in result ? [] : [result]));
    const badRows = results.flatMap((result) => ('message' in result ? [result] : []));
    const names = scorers.map(({ version }) => version.name);
    return { rows: evaluated, badRows, summaries: summarize(names, evaluated) };
  } finally {
    await code.close();
  }
}

function parsed({ line, text }: Row): ScorableTrace | BadRow {
  try {
    return parseRow(text, { now: Date.now() });
  } catch (error) {
    if (error instanceof InvalidRowError) return { line, message: error.message };
    throw error;
  }
}
