import type { Assessment } from '../assessment.ts';
import { sessionOf } from '../facts/who.ts';
import type { TraceFacts } from '../trace.ts';

interface AssessedTrace {
  readonly facts: TraceFacts;
  readonly assessments: readonly Assessment[];
}

/**
 * What a filter sees of each trace, in the order given: its own assessments, and those of other traces given that are about the
 * session they share. As in MLflow an assessment is about its trace's session when its metadata names one.
 */
export function withSessionAssessments(traces: readonly AssessedTrace[]): readonly (readonly Assessment[])[] {
  const bySession = new Map<string, Assessment[]>();
  for (const { facts, assessments } of traces) {
    const session = sessionOf(facts);
    const shared = assessments.filter(({ metadata }) => Object.hasOwn(metadata, 'mlflow.trace.session'));
    if (session === undefined || shared.length === 0) continue;
    const known = bySession.get(session);
    if (known) known.push(...shared);
    else bySession.set(session, shared);
  }
  return traces.map(({ facts, assessments }) => {
    const shared = bySession.get(sessionOf(facts) ?? '');
    return shared === undefined ? assessments : [...new Set([...assessments, ...shared])];
  });
}
