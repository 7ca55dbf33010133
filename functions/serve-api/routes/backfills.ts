import * as z from 'zod';
import { backfillAnswer } from '../../../shared/contracts/backfill-answer.ts';
import { backfillInput, idempotencyKeyField, toBackfillRequest } from '../../../shared/contracts/backfill-input.ts';
import { experimentIdField } from '../../../shared/contracts/mlflow-fields.ts';
import { onlyFields } from '../../../shared/contracts/only-fields.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import type { Backfill, BackfillRef } from '../../../shared/domain/backfilling/backfill.ts';
import { cancelBackfill, existingBackfill, pauseBackfill } from '../../../shared/domain/backfilling/change-backfill.ts';
import type { SliceProgressStore } from '../../../shared/domain/backfilling/ports.ts';
import { readProgress } from '../../../shared/domain/backfilling/progress.ts';
import {
  restartBackfill,
  type StartBackfillDeps,
  startBackfill,
} from '../../../shared/domain/backfilling/start-backfill.ts';
import { type ApiRequest, parse, required } from '../request.ts';
import { admins, type Route, readers } from '../router.ts';

export interface BackfillRouteDeps extends StartBackfillDeps {
  readonly sliceProgress: Pick<SliceProgressStore, 'list'>;
}

const path = '/api/1.0/assay/backfills';
const ofExperiment = z.object({ experiment_id: experimentIdField });
const starting = onlyFields({ ...backfillInput.shape, idempotency_key: idempotencyKeyField });
const resuming = onlyFields({ ...ofExperiment.shape, max_cost_usd: z.number().positive().nullish() });

/** Backfills: starting them, how far they are, stopping them and having them go on. */
export function backfillRoutes(deps: BackfillRouteDeps): readonly Route[] {
  const one = `${path}/{backfillId}`;
  return [
    { method: 'POST', path, roles: admins, handle: async (request) => ({ json: await start(request, deps) }) },
    { method: 'GET', path, roles: readers, handle: async (request) => ({ json: await list(request, deps) }) },
    { method: 'GET', path: one, roles: readers, handle: async (request) => ({ json: await status(request, deps) }) },
    {
      method: 'POST',
      path: `${one}/pause`,
      roles: admins,
      handle: (request) => changed(request, (ref) => pauseBackfill(ref, { reason: 'paused by its user', deps })),
    },
    {
      method: 'POST',
      path: `${one}/cancel`,
      roles: admins,
      handle: (request) => changed(request, (ref) => cancelBackfill(ref, { reason: 'cancelled by its user', deps })),
    },
    {
      method: 'POST',
      path: `${one}/resume`,
      roles: admins,
      handle: (request) => {
        const { max_cost_usd: maxCostUsd } = parse(resuming, request.body);
        return changed(request, (ref) => restartBackfill(ref, { maxCostUsd: maxCostUsd ?? undefined, deps }));
      },
    },
  ];
}

async function start({ body, requireExperiment }: ApiRequest, deps: BackfillRouteDeps): Promise<object> {
  const { idempotency_key: idempotencyKey, ...input } = parse(starting, body);
  requireExperiment(input.experiment_id);
  const request = toBackfillRequest(input);
  const backfill = await startBackfill(request, { idempotencyKey: idempotencyKey ?? undefined, deps });
  return { backfill_id: backfill.backfillId, backfill: backfillAnswer(backfill) };
}

async function list({ query, requireExperiment }: ApiRequest, deps: BackfillRouteDeps): Promise<object> {
  const { experiment_id: experimentId } = parse(ofExperiment, { experiment_id: required(query, 'experiment_id') });
  requireExperiment(experimentId);
  if (!(await deps.experiments.get(experimentId)))
    throw new ApiError('RESOURCE_DOES_NOT_EXIST', `No Experiment with id=${experimentId} exists`);
  // Of what was asked for on demand only what still goes on: the rest is told to who asked.
  const listed = (await deps.backfills.list(experimentId)).filter(
    ({ onDemand, state }) => !onDemand || state !== 'finished',
  );
  return { backfills: listed.map((backfill) => backfillAnswer(backfill)) };
}

async function status(request: ApiRequest, deps: BackfillRouteDeps): Promise<object> {
  const ref = refOf(request, { experiment_id: required(request.query, 'experiment_id') });
  const backfill = await existingBackfill(ref, deps.backfills);
  const progress = await readProgress(backfill, deps.sliceProgress.list(backfill.backfillId));
  return { backfill: backfillAnswer(backfill, { progress, now: deps.now() }) };
}

async function changed(
  request: ApiRequest,
  change: (ref: BackfillRef) => Promise<Backfill>,
): Promise<{ json: object }> {
  return { json: { backfill: backfillAnswer(await change(refOf(request, request.body))) } };
}

function refOf({ parameters, requireExperiment }: ApiRequest, said: unknown): BackfillRef {
  const { experiment_id: experimentId } = parse(ofExperiment, said);
  requireExperiment(experimentId);
  return { experimentId, backfillId: parameters.backfillId ?? '' };
}
