import { expect, test } from 'vitest';
import type { Filter } from '../../../../shared/domain/filter/filter.ts';
import { InvalidFilterError } from '../../../../shared/domain/filter/invalid-filter-error.ts';
import { matchFilter } from '../../../../shared/domain/filter/match-filter.ts';
import { parseFilter } from '../../../../shared/domain/filter/parse-filter.ts';
import { withSessionAssessments } from '../../../../shared/domain/filter/session-assessments.ts';
import type { FilterSubject } from '../../../../shared/domain/filter/subject.ts';
import { readRange } from '../../../../shared/domain/metrics/read-range.ts';
import { spansOf } from '../../../../shared/domain/spans-of.ts';
import { recorded, recordedDeps } from '../../../support/recorded-traces.ts';

/**
 * Every entity with every comparator and values of every kind, as MLflow 3.18's server answered them about its traces: the positions
 * of those found, or the message as far as it does not list a set. Left out are those that Assay answers otherwise on purpose, which
 * `filter-semantics.test.ts` names: numbers compare as numbers and attributes of spans as their values, text that is no number is
 * refused where a number is asked for, `like` may be written small on spans, and what makes MLflow's own statement fail.
 */
const subjects = await recordedSubjects();

async function recordedSubjects(): Promise<readonly (FilterSubject & { readonly position: number })[]> {
  const deps = recordedDeps();
  const positions = new Map(recorded<{ id: string }>('traces').map(({ id }, i) => [`tr-${id}`, i]));
  const judged = [];
  for await (const infos of readRange({ experimentIds: ['1'] }, { deps, budget: { take: () => undefined } })) {
    const assessments = await deps.assessments.listAll(infos);
    for (const info of infos) {
      judged.push({ ...info, spans: await spansOf(info, deps), assessments: assessments.get(info.traceId) ?? [] });
    }
  }
  const seen = withSessionAssessments(judged);
  return judged.map(({ traceId, experimentId, facts, spans }, i) => ({
    position: positions.get(traceId) ?? -1,
    traceId,
    experimentId,
    facts,
    spans: () => spans,
    assessments: () => seen[i] ?? [],
  }));
}

function search(text: string): readonly number[] | string {
  let filter: Filter;
  try {
    filter = parseFilter(text);
  } catch (error) {
    if (error instanceof InvalidFilterError) return error.message.replace(/'?\{.*$/s, '');
    throw error;
  }
  return subjects
    .filter((subject) => matchFilter(filter, subject).matched)
    .map(({ position }) => position)
    .toSorted((a, b) => a - b);
}

test.each(recorded<[filter: string, outcome: readonly number[] | string]>('filters'))('%s', (filter, outcome) => {
  expect(search(filter)).toEqual(outcome);
});
