import { table } from '../../cli/table.ts';
import type { Assessment, Trace } from '../assay-api.ts';
import type { Expectation } from '../expected-judgements.ts';
import { judgementsOf, scoreOf } from '../judgements.ts';
import { bad, count, heading, percent } from './format.ts';
import type { DemoResult } from './page.ts';
import { mean } from './statistics.ts';

/** What each scorer judged of what it had to, and what it found. */
export function scorersSection({ expectations, traces }: DemoResult): string {
  return [
    heading('Assessments'),
    table({
      columns: ['scorer', 'traces', 'concerned', 'rate', 'expected', 'judged', 'no score', 'result'],
      rows: expectations.map((expectation) => scorerRow(expectation, traces)),
    }),
  ].join('\n');
}

function scorerRow({ scorer, concerned, selected }: Expectation, traces: readonly Trace[]): readonly string[] {
  const judged = traces.flatMap((trace) => judgementsOf(trace, scorer.name));
  const scores = judged.map(scoreOf).filter((score) => score !== undefined);
  return [
    scorer.name,
    scorer.filter ?? 'all',
    count(concerned.size),
    percent(scorer.rate),
    count(selected.size),
    judged.length === selected.size ? count(judged.length) : bad(count(judged.length)),
    count(judged.length - scores.length),
    scores.length === 0 ? '–' : summary(judged, scores),
  ];
}

function summary(judged: readonly Assessment[], scores: readonly number[]): string {
  const isVerdict = judged.some(({ feedback }) => feedback?.value === 'yes' || feedback?.value === 'no');
  return isVerdict ? `${percent(mean(scores))} yes` : `mean ${mean(scores).toFixed(1)}`;
}

/** One assessment as it stands on its trace: a negative one, if there is any, says most. */
export function sampleSection({ traces }: DemoResult): string {
  const all = traces.flatMap((trace) => judgementsOf(trace).map((assessment) => ({ trace, assessment })));
  const sample =
    all.find(({ assessment }) => assessment.assessment_name === 'no_pii' && assessment.feedback?.value === 'no') ??
    all.find(({ assessment }) => assessment.feedback?.value === 'no') ??
    all[0];
  if (sample === undefined) return '';
  const { assessment, trace } = sample;
  return [
    heading('One of them'),
    `  ${trace.trace_info.trace_id}   ${assessment.assessment_name}: ${String(assessment.feedback?.value)}`,
    `  "${assessment.rationale}"`,
    `  ${Object.entries(assessment.metadata ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join('  ')}`,
  ].join('\n');
}
