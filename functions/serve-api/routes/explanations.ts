import { explanationAnswer } from '../../../shared/contracts/explanation-answer.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import { explainTrace } from '../../../shared/domain/explaining/explain-trace.ts';
import { type ReadEvidenceDeps, readEvidence } from '../../../shared/domain/explaining/read-evidence.ts';
import { traceNotFound } from '../../../shared/domain/read-trace.ts';
import type { ApiRequest } from '../request.ts';
import { jsonRoutes, type Route, readers } from '../router.ts';

export type ExplanationRouteDeps = ReadEvidenceDeps;

/** Why a trace was scored, or was not: Assay's own route, beside those of MLflow. */
export function explanationRoutes(deps: ExplanationRouteDeps): readonly Route[] {
  const route = jsonRoutes('/api/1.0/assay/traces/', deps);
  return [route(['GET', '{traceId}/explanation'], readers, explain)];
}

async function explain({ parameters, query, requireExperiment }: ApiRequest, deps: ExplanationRouteDeps) {
  const traceId = parameters.traceId ?? '';
  if (!/^tr-[0-9a-f]{32}$/.test(traceId))
    throw new ApiError('INVALID_PARAMETER_VALUE', `a trace id is "tr-" and 32 hex digits, got "${traceId}"`);
  const record = await deps.index.readTrace(traceId);
  if (!record) throw traceNotFound(traceId);
  const { experimentId } = record.info;
  requireExperiment(experimentId);
  const explanation = explainTrace(await readEvidence(record, query.get('scorer') || undefined, deps));
  const unknown = explanation.scorers.find(
    (scorer) => scorer.kind === 'not-registered' && scorer.registeredAt === undefined,
  );
  if (unknown)
    throw new ApiError(
      'RESOURCE_DOES_NOT_EXIST',
      `Scorer with name '${unknown.name}' not found for experiment ${experimentId}.`,
    );
  return explanationAnswer(explanation);
}
