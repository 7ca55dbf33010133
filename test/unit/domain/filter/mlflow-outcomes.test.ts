import { describe, expect, test } from 'vitest';
import { InvalidFilterError } from '../../../../shared/domain/filter/invalid-filter-error.ts';
import { matchFilter } from '../../../../shared/domain/filter/match-filter.ts';
import { parseFilter } from '../../../../shared/domain/filter/parse-filter.ts';
import type { FilterSubject } from '../../../../shared/domain/filter/subject.ts';
import { aFilterSubject, anAssessment, aScorableSpan } from '../../../support/builders/a-scorable-trace.ts';
import { mlflowOutcomes } from './mlflow-outcomes.ts';

const model = { 'mlflow.llm.model': '"gpt-4o-mini"' };

/** The recorded traces, as far as the filters see into them. */
const agent = aFilterSubject({
  facts: {
    name: 'agent',
    durationMs: 40,
    clientRequestId: 'cr-1',
    tags: { environment: 'production' },
    metadata: { 'mlflow.trace.session': 's1', 'mlflow.trace.user': 'u1' },
  },
  spans: [
    aScorableSpan({
      span: { name: 'agent', attributes: { 'mlflow.spanInputs': '{"q": "capital of France?"}' } },
      facts: { type: 'AGENT' },
    }),
    aScorableSpan({ span: { name: 'search' }, facts: { type: 'RETRIEVER' } }),
    aScorableSpan({
      span: { name: 'llm', attributes: { ...model, 'mlflow.spanOutputs': '"Paris"' } },
      facts: { type: 'CHAT_MODEL' },
    }),
  ],
  assessments: [
    anAssessment({ name: 'is_correct', value: true }),
    anAssessment({ name: 'multi', value: ['x', 'y'] }),
    anAssessment({ name: 'errs', value: null, error: { code: 'E', message: 'failed' } }),
    anAssessment({ name: 'expected_facts', value: ['Paris'], kind: 'expectation' }),
  ],
});
const bad = aFilterSubject({
  facts: { name: 'bad', durationMs: 2, state: 'ERROR' },
  spans: [aScorableSpan({ span: { name: 'bad', status: { code: 'ERROR', message: 'boom' } } })],
});
const nameless = aFilterSubject({
  facts: { durationMs: 30, state: 'ERROR' },
  spans: [aScorableSpan({ span: { name: 'chat', attributes: model } })],
});
const newestFirst: readonly FilterSubject[] = [bad, agent, bad, agent, nameless, bad, agent];

function search(filter: string): readonly (string | null)[] | string {
  try {
    const parsed = parseFilter(filter);
    return newestFirst.filter((subject) => matchFilter(parsed, subject).matched).map(({ facts }) => facts.name ?? null);
  } catch (error) {
    if (error instanceof InvalidFilterError) return error.message.replace(/'?\{.*$/s, '');
    throw error;
  }
}

describe('a filter that MLflow answered', () => {
  test.each(mlflowOutcomes)('%s', (filter, outcome) => {
    expect(search(filter)).toEqual(outcome);
  });
});
