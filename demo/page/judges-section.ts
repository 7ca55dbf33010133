import { table } from '../../cli/table.ts';
import type { Expectation } from '../expected-judgements.ts';
import { judgementsOf, paidFor, toNano } from '../judgements.ts';
import type { JudgeCall } from '../scripted-judge/judge-script.ts';
import { bad, count, heading, usd, wrapped } from './format.ts';
import type { DemoResult } from './page.ts';

/** What the judges that ask a model asked and cost, and what became of the calls that failed. */
export function judgesSection({ expectations, traces, judging }: DemoResult): string {
  const judges = expectations.filter(({ scorer }) => scorer.task !== undefined);
  const rows = judges.map(({ scorer }) => {
    const assessments = traces.flatMap((trace) => judgementsOf(trace, scorer.name));
    const { calls, reused, tokens, nanoUsd } = paidFor(assessments);
    const failed = failuresOf(judging.calls).filter(({ task }) => task === scorer.task).length;
    const model = assessments.flatMap(({ metadata }) => metadata?.['assay.model'] ?? [])[0] ?? '–';
    return [scorer.name, apiOf(model), count(calls), count(failed), count(reused), count(tokens), usd(nanoUsd)];
  });
  return [
    heading('Judges, by the scripted model'),
    table({ columns: ['judge', 'API', 'answers', 'failed', 'reused', 'tokens', 'US$'], rows }),
    ...wrapped(sentences(judges, { traces, judging }).split(' '), ' '),
  ].join('\n');
}

function sentences(
  judges: readonly Expectation[],
  { traces, judging }: Pick<DemoResult, 'traces' | 'judging'>,
): string {
  const failed = failuresOf(judging.calls).length;
  const lost = judges.reduce((sum, { scorer, selected }) => {
    const judged = traces.filter((trace) => judgementsOf(trace, scorer.name).length > 0);
    const ids = new Set(judged.map(({ trace_info }) => trace_info.trace_id));
    return sum + [...selected].filter((id) => !ids.has(id)).length;
  }, 0);
  const fate = lost === 0 ? 'every trace was judged all the same' : bad(`${count(lost)} judgements are missing`);
  return (
    `Of ${count(judging.calls.length)} calls ${count(failed)} failed with 429 or 503, as the script has it. They were made again, and ${fate}. ` +
    'An answer is reused where the same was asked of the same version before. ' +
    `Booked on the budget: US$ ${usd(toNano(judging.booked.usd_this_month))}, at the list prices of the models by whose names the script goes.`
  );
}

function failuresOf(calls: readonly JudgeCall[]): readonly JudgeCall[] {
  return calls.filter(({ status }) => status !== 200);
}

/** The provider of a model's URI, by whose API it was asked. */
function apiOf(uri: string): string {
  return uri.split(':/')[0] ?? uri;
}
