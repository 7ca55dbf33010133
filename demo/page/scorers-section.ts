import { table } from '../../cli/table.ts';
import type { Assessment } from '../assay-api.ts';
import type { Expectation } from '../expected-judgements.ts';
import { judgementsOf, scoreOf } from '../judgements.ts';
import { bad, count, duration, heading, percent, shortened, wrapped } from './format.ts';
import type { DemoResult } from './page.ts';
import { mean, percentile } from './statistics.ts';

/** What each scorer judged and found, and how long after the trace. */
export function scorersSection(result: DemoResult): string {
  return [
    heading('Assessments'),
    table({
      columns: ['scorer', 'traces', 'rate', 'judged', 'errors', 'result', 'median'],
      rows: result.expectations.map((expectation) => scorerRow(expectation, result)),
    }),
    '  The median is from acknowledged to assessed. An error is no score: a turn that',
    '  failed before it answered has nothing to judge. What was backfilled has the',
    '  rate of its backfill.',
  ].join('\n');
}

function scorerRow({ scorer, selected }: Expectation, { traces, judgedAfter }: DemoResult): readonly string[] {
  const judged = traces.flatMap((trace) => judgementsOf(trace, scorer.name));
  const scores = judged.map(scoreOf).filter((score) => score !== undefined);
  const waits = judged.flatMap(({ assessment_id }) => judgedAfter.get(assessment_id) ?? []);
  return [
    scorer.name,
    scorer.filter ?? 'all',
    percent(scorer.backfillRate ?? scorer.rate),
    judged.length === selected.size ? count(judged.length) : bad(count(judged.length)),
    count(judged.length - scores.length),
    scores.length === 0 ? '–' : summary(judged, scores),
    waits.length === 0 ? '–' : duration(percentile(waits, 0.5)),
  ];
}

function summary(judged: readonly Assessment[], scores: readonly number[]): string {
  const isCount = judged.some(({ feedback }) => typeof feedback?.value === 'number');
  return isCount ? `mean ${mean(scores).toFixed(1)}` : `${percent(mean(scores))} yes`;
}

/** One assessment as it stands on its trace: a negative one, if there is any, says most. */
export function sampleSection({ traces }: DemoResult): string {
  const all = traces.flatMap((trace) => judgementsOf(trace).map((assessment) => ({ trace, assessment })));
  const sample =
    all.find(({ assessment }) => assessment.assessment_name === 'discretion' && assessment.feedback?.value === 'no') ??
    all.find(({ assessment }) => assessment.feedback?.value === 'no') ??
    all[0];
  if (sample === undefined) return '';
  const { assessment, trace } = sample;
  return [
    heading('One of them'),
    `  ${trace.trace_info.trace_id}   ${assessment.assessment_name}: ${String(assessment.feedback?.value)}`,
    `  "${assessment.rationale}"`,
    ...wrapped(Object.entries(assessment.metadata ?? {}).map(([key, value]) => `${key}=${shortened(value)}`)),
  ].join('\n');
}
