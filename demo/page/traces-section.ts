import type { TraceInfo } from '../assay-api.ts';
import { publishedCoordinate } from '../sampling.ts';
import { count, duration, heading } from './format.ts';
import type { DemoResult } from './page.ts';
import { percentile } from './statistics.ts';

/** How many traces there are, how long they took, and how long Assay took. */
export function tracesSection({ sent, found, sessions, judgedAfter }: DemoResult): string {
  const failed = found.filter(({ state }) => state === 'ERROR').length;
  return [
    heading('Traces'),
    `  ${count(sent.byTrace.size)} traces of ${count(sessions)} sessions, ${count(sent.count)} spans in ${count(sent.requests)} OTLP requests; ${count(failed)} failed`,
    `  duration of a trace       ${spread(found.map(durationOf))}`,
    `  acknowledged → assessed   ${spread([...judgedAfter.values()])}`,
    "  5 s of it waiting for late spans, 5 s more where the judges' model failed",
  ].join('\n');
}

/** MLflow spells a duration in seconds, with the unit: `0.143s`. */
function durationOf({ execution_duration = '0s' }: TraceInfo): number {
  return Number.parseFloat(execution_duration) * 1000;
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  const [half, most, all] = [0.5, 0.95, 1].map((share) => duration(percentile(values, share)));
  return `p50 ${half}   p95 ${most}   max ${all}`;
}

/** Why one trace was left out by one scorer: its coordinate against the rate. */
export function notSelectedSection({ expectations }: DemoResult): string {
  const partial = expectations.toSorted((a, b) => a.scorer.rate - b.scorer.rate)[0];
  const traceId = partial && [...partial.concerned].find((id) => !partial.selected.has(id));
  if (partial === undefined || traceId === undefined) return '';
  const { name, rate } = partial.scorer;
  return [
    heading('Why a trace was not judged'),
    `  ${traceId} was not judged by ${name}:`,
    `  u = ${publishedCoordinate(traceId).toFixed(6)}, which is not below the rate of ${rate}.`,
    '  u is the first 53 bits of sha256("assay/sampling/v1\\0" + trace id) / 2^53:',
    '  anyone can check it.',
  ].join('\n');
}
