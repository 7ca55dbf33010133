import { type EvaluationRequest, letGoDueAt } from '../evaluation.ts';
import type { EvaluationStore, TraceIndex } from '../ports.ts';

export interface LetGoDeps {
  readonly index: Pick<TraceIndex, 'readTrace'>;
  readonly outcomes: Pick<EvaluationStore, 'putOff'>;
}

/**
 * Leaves an evaluation whose backfill was paused or cancelled: nothing is judged, and what is held is not asked for again before the
 * backfill resumes, and does so itself.
 */
export async function letGo(request: EvaluationRequest, { index, outcomes }: LetGoDeps): Promise<void> {
  const record = await index.readTrace(request.traceId);
  const held = (record?.outcomes ?? []).filter(
    (outcome) => outcome.state === 'held' && outcome.request?.backfill?.id === request.backfill?.id,
  );
  await Promise.all(held.map((outcome) => outcomes.putOff(outcome, letGoDueAt)));
}
