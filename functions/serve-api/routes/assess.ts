import * as z from 'zod';
import { idempotencyKeyField, timeField } from '../../../shared/contracts/backfill-input.ts';
import { experimentIdField } from '../../../shared/contracts/mlflow-fields.ts';
import { onlyFields } from '../../../shared/contracts/only-fields.ts';
import {
  InvalidSerializedScorerError,
  parseSerializedScorer,
} from '../../../shared/contracts/parse-serialized-scorer.ts';
import { resultAnswer, runAnswer } from '../../../shared/contracts/run-answer.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import { type AssessDeps, assess, progressOf } from '../../../shared/domain/assessing/assess.ts';
import { readResultPage } from '../../../shared/domain/assessing/run-results.ts';
import { type ApiRequest, parse, required } from '../request.ts';
import { type Answer, admins, type Route, readers } from '../router.ts';

export type AssessRouteDeps = AssessDeps;

const path = '/api/1.0/assay/assess';

const scorerName = z
  .string()
  .min(1)
  .max(250)
  .regex(/^\P{Cc}*$/u, 'a name has no control characters');

const wanted = onlyFields({
  experiment_id: experimentIdField,
  trace_ids: z.array(z.string()).nullish(),
  filter: z.string().nullish(),
  start_time: timeField.nullish(),
  end_time: timeField.nullish(),
  scorers: z.array(onlyFields({ name: z.string().min(1), version: z.number().int().min(1).nullish() })).nullish(),
  inline_scorers: z.array(onlyFields({ name: scorerName, serialized_scorer: z.string() })).nullish(),
  dry_run: z.boolean().default(false),
  idempotency_key: idempotencyKeyField,
});
const ofExperiment = z.object({ experiment_id: experimentIdField });

/** Running scorers on traces now. */
export function assessRoutes(deps: AssessRouteDeps): readonly Route[] {
  return [
    { method: 'POST', path, roles: admins, handle: (request) => start(request, deps) },
    { method: 'GET', path: `${path}/{runId}`, roles: readers, handle: (request) => status(request, deps) },
  ];
}

async function start({ body, requireExperiment }: ApiRequest, deps: AssessRouteDeps): Promise<Answer> {
  const input = parse(wanted, body);
  requireExperiment(input.experiment_id);
  const inline = (input.inline_scorers ?? []).map(({ name, serialized_scorer: serialized }) => ({ name, serialized }));
  for (const scorer of inline) requireReadable(scorer);
  const request = {
    experimentId: input.experiment_id,
    traceIds: input.trace_ids ?? undefined,
    filter: input.filter ?? undefined,
    startTime: input.start_time ?? undefined,
    endTime: input.end_time ?? undefined,
    scorers: (input.scorers ?? []).map(({ name, version }) => ({ name, version: version ?? undefined })),
    inline,
    dryRun: input.dry_run,
  };
  const { run, progress, results } = await assess(request, {
    idempotencyKey: input.idempotency_key ?? undefined,
    deps,
  });
  const answer = { run: runAnswer(run, { progress, now: deps.now() }) };
  return results ? { json: { ...answer, results: results.map(resultAnswer) } } : { json: answer, status: 202 };
}

function requireReadable({ name, serialized }: { name: string; serialized: string }): void {
  try {
    parseSerializedScorer(serialized);
  } catch (error) {
    if (error instanceof InvalidSerializedScorerError)
      throw new ApiError('INVALID_PARAMETER_VALUE', `inline scorer '${name}': ${error.message}`);
    throw error;
  }
}

async function status({ parameters, query, requireExperiment }: ApiRequest, deps: AssessRouteDeps): Promise<Answer> {
  const { experiment_id: experimentId } = parse(ofExperiment, { experiment_id: required(query, 'experiment_id') });
  requireExperiment(experimentId);
  const runId = parameters.runId ?? '';
  const run = await deps.backfills.get({ experimentId, backfillId: runId });
  if (!run?.onDemand)
    throw new ApiError('RESOURCE_DOES_NOT_EXIST', `Run '${runId}' not found in experiment '${experimentId}'`);
  const { progress, slices } = await progressOf(run, deps);
  const token = query.get('page_token') || undefined;
  const { results, next } = await readResultPage(run, { token, slices, deps });
  return {
    json: {
      run: runAnswer(run, { progress, now: deps.now() }),
      results: results.map(resultAnswer),
      ...(next !== undefined && { next_page_token: next }),
    },
  };
}
