import {
  createAssessmentRequest,
  toAssessment,
  updateAssessmentRequest,
  withUpdate,
} from '../../../shared/contracts/mlflow-assessment.ts';
import { mlflowAssessment } from '../../../shared/contracts/mlflow-entities.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import type { Assessment } from '../../../shared/domain/assessment.ts';
import type { AssessmentArchive, AssessmentStore, Clock, TraceReader } from '../../../shared/domain/ports.ts';
import { existingTrace } from '../../../shared/domain/read-trace.ts';
import type { TraceInfo } from '../../../shared/domain/trace.ts';
import { type ApiRequest, fitsItem, parse, tooLarge } from '../request.ts';
import { jsonRoutes, type Route, readers, writers } from '../router.ts';

export interface AssessmentRouteDeps {
  readonly index: Pick<TraceReader, 'getInfos'>;
  readonly assessments: AssessmentStore;
  readonly archive: AssessmentArchive;
  /** 32 hex digits. */
  readonly newId: () => string;
  readonly now: Clock;
}

export function assessmentRoutes(deps: AssessmentRouteDeps): readonly Route[] {
  const route = jsonRoutes('/api/3.0/mlflow/traces/{traceId}/assessments', deps);
  return [
    route(['POST', ''], writers, create),
    route(['GET', '/{assessmentId}'], readers, async (request) => answer(await existing(request, deps))),
    route(['PATCH', '/{assessmentId}'], writers, update),
    route(['DELETE', '/{assessmentId}'], writers, remove),
  ];
}

function answer(assessment: Assessment) {
  return { assessment: mlflowAssessment(assessment) };
}

/** The trace that the path names, which the key must open. */
async function openTrace(
  { parameters, requireExperiment }: ApiRequest,
  { index }: AssessmentRouteDeps,
): Promise<TraceInfo> {
  const info = await existingTrace(parameters.traceId ?? '', index);
  requireExperiment(info.experimentId);
  return info;
}

async function existing(request: ApiRequest, deps: AssessmentRouteDeps): Promise<Assessment> {
  const { traceId } = await openTrace(request, deps);
  return find(traceId, request.parameters.assessmentId ?? '', deps);
}

async function find(traceId: string, assessmentId: string, { assessments }: AssessmentRouteDeps): Promise<Assessment> {
  const found = (await assessments.list(traceId)).find((assessment) => assessment.assessmentId === assessmentId);
  if (found) return found;
  throw new ApiError(
    'RESOURCE_DOES_NOT_EXIST',
    `Assessment with ID '${assessmentId}' not found for trace '${traceId}'`,
  );
}

async function create(request: ApiRequest, deps: AssessmentRouteDeps) {
  const { assessment: sent } = parse(createAssessmentRequest, request.body);
  if (!fitsItem(sent)) throw new ApiError('INVALID_PARAMETER_VALUE', `the assessment is ${tooLarge}`);
  const { traceId, experimentId } = await openTrace(request, deps);
  const created = toAssessment(sent, { traceId, experimentId, now: deps.now(), newId: deps.newId });
  const overridden = created.overrides === undefined ? undefined : await find(traceId, created.overrides, deps);
  await keep([created, ...(overridden ? [withValidity(overridden, false, deps)] : [])], deps);
  return answer(created);
}

async function update(request: ApiRequest, deps: AssessmentRouteDeps) {
  const wanted = parse(updateAssessmentRequest, request.body);
  if (!fitsItem(wanted)) throw new ApiError('INVALID_PARAMETER_VALUE', `the assessment is ${tooLarge}`);
  const updated = withUpdate(await existing(request, deps), wanted, deps.now());
  await keep([updated], deps);
  return answer(updated);
}

/** Deleting one that is gone is no error: a client repeats what it has no answer to. What it overrode holds again. */
async function remove(request: ApiRequest, deps: AssessmentRouteDeps) {
  const { traceId } = await openTrace(request, deps);
  const all = await deps.assessments.list(traceId);
  const deleted = all.find(({ assessmentId }) => assessmentId === request.parameters.assessmentId);
  if (!deleted) return {};
  const overridden = all.find(({ assessmentId }) => assessmentId === deleted.overrides);
  if (overridden) await keep([withValidity(overridden, true, deps)], deps);
  // The archive keeps its history; there a deleted assessment is one that holds no more.
  await deps.archive.addAssessments([withValidity(deleted, false, deps)]);
  await deps.assessments.remove(traceId, deleted.assessmentId);
  return {};
}

function withValidity(assessment: Assessment, valid: boolean, { now }: AssessmentRouteDeps): Assessment {
  return { ...assessment, valid, updatedAt: now() };
}

async function keep(assessments: readonly Assessment[], deps: AssessmentRouteDeps): Promise<void> {
  await deps.archive.addAssessments(await deps.assessments.put(assessments));
}
