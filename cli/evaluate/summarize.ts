import type { Assessment } from '../../shared/domain/assessment.ts';
import { valueText } from '../print.ts';
import type { ScorerOutcome } from './evaluator.ts';

/** A row that could be read, and what was found in it. */
export interface EvaluatedRow {
  /** Line of the file, from 1. */
  readonly line: number;
  readonly traceId: string;
  readonly outcomes: readonly ScorerOutcome[];
}

/** What one scorer found in all rows, under one name. */
export interface Summary {
  /** Of the feedback: the scorer's, unless it gives several. */
  readonly name: string;
  readonly scorer: string;
  /** Scores alone: a failure is none. */
  readonly scored: number;
  /** Of numbers. */
  readonly mean?: number;
  /** Share that passed, of yes and no. */
  readonly passRate?: number;
  /** How often each, of other values. */
  readonly values?: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly held: number;
  readonly usd: number;
  readonly tokens: number;
}

/** One for each name under which a scorer found something, in the order of the scorers. */
export function summarize(scorers: readonly string[], rows: readonly EvaluatedRow[]): readonly Summary[] {
  const outcomes = rows.flatMap((row) => row.outcomes);
  return scorers.flatMap((scorer) => {
    const own = outcomes.filter((outcome) => outcome.scorer === scorer);
    const found = own.flatMap(({ assessments }) => assessments);
    const scored = found.filter(({ error }) => error === undefined);
    const names = [...new Set(scored.map(({ name }) => name))];
    const count = (state: ScorerOutcome['state']) => own.filter((outcome) => outcome.state === state).length;
    const [usd, tokens] = [sum(own.map((one) => one.usd)), sum(own.map((one) => one.tokens))];
    // What it took is told once.
    return (names.length === 0 ? [scorer] : names).map((name, i) => ({
      ...{ name, scorer, failed: count('failed'), held: count('held') },
      ...statistics(scored.filter((assessment) => assessment.name === name)),
      ...(i === 0 ? { usd, tokens } : { usd: 0, tokens: 0 }),
    }));
  });
}

function statistics(scored: readonly Assessment[]): Pick<Summary, 'scored' | 'mean' | 'passRate' | 'values'> {
  const values = scored.map(({ value }) => value);
  const count = { scored: values.length };
  if (values.length === 0) return count;
  if (values.every((value) => typeof value === 'number')) return { ...count, mean: sum(values) / values.length };
  const passes = values.map(passOf);
  if (passes.every((pass) => pass !== undefined))
    return { ...count, passRate: passes.filter(Boolean).length / passes.length };
  const texts = values.map(valueText);
  const counts = [...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length] as const);
  return { ...count, values: Object.fromEntries(counts.toSorted(([, a], [, b]) => b - a)) };
}

function passOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return value === 'yes' ? true : value === 'no' ? false : undefined;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A name and the least that its mean, or its pass rate, has to be. */
export interface Threshold {
  readonly name: string;
  readonly least: number;
}

/** Why a threshold is not kept; undefined: it is. Where nothing was scored, nothing is kept. */
export function shortfall({ name, least }: Threshold, summaries: readonly Summary[]): string | undefined {
  const found = summaries.find((summary) => summary.name === name);
  if (found === undefined || found.scored === 0) return `${name} has no scores: at least ${least} was asked for`;
  const value = found.mean ?? found.passRate;
  if (value === undefined) return `${name} has neither numbers nor yes and no: ${least} means nothing for it`;
  return value < least ? `${name} is ${Number(value.toFixed(4))}: at least ${least} was asked for` : undefined;
}
