import * as z from 'zod';
import { mlflowOnlineConfig, mlflowScorer } from '../../../shared/contracts/mlflow-entities.ts';
import {
  InvalidSerializedScorerError,
  parseSerializedScorer,
} from '../../../shared/contracts/parse-serialized-scorer.ts';
import { createScorer } from '../../../shared/contracts/serialized-scorer.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import { changeRules, withNewVersion, withoutScorer, withSampling } from '../../../shared/domain/change-rules.ts';
import { parseFilter } from '../../../shared/domain/filter/parse-filter.ts';
import type { Clock, ExperimentStore, RuleStore, ScorerStore } from '../../../shared/domain/ports.ts';
import type { Rules } from '../../../shared/domain/rules.ts';
import type { ScorerVersion } from '../../../shared/domain/scorer.ts';
import { type ApiRequest, fitsItem, parse, required, tooLarge } from '../request.ts';
import { admins, type Route, readers } from '../router.ts';

export interface ScorerRouteDeps {
  readonly scorers: ScorerStore;
  readonly rules: RuleStore;
  readonly experiments: Pick<ExperimentStore, 'get' | 'list'>;
  readonly now: Clock;
}

const experimentId = z.union([z.string(), z.number().int()]).transform(String);
const registration = z.object({
  experiment_id: experimentId,
  name: z
    .string()
    .min(1)
    .max(250)
    // Keys of the registry end names with \0.
    .regex(/^\P{Cc}*$/u, 'a name has no control characters'),
  serialized_scorer: z.string().refine(fitsItem, tooLarge),
});
const sampling = z.object({
  experiment_id: experimentId,
  name: z.string(),
  sample_rate: z.number().nullish(),
  filter_string: z.string().nullish(),
});
const deletion = z.object({ experiment_id: experimentId, name: z.string() });

export function scorerRoutes(deps: ScorerRouteDeps): readonly Route[] {
  const base = '/api/3.0/mlflow/scorers';
  const route = (
    method: Route['method'],
    name: string,
    roles: Route['roles'],
    handle: (request: ApiRequest) => Promise<unknown>,
  ): Route => ({
    method,
    path: `${base}/${name}`,
    ...(roles && { roles }),
    handle: async (request) => ({ json: await handle(request) }),
  });
  return [
    route('POST', 'register', admins, (request) => register(request, deps)),
    route('GET', 'list', readers, async (request) => {
      const id = openExperiment(request);
      return { scorers: (await deps.scorers.list(id)).map(mlflowScorer) };
    }),
    route('GET', 'versions', readers, async (request) => {
      const versions = await deps.scorers.versions(openExperiment(request), required(request.query, 'name'));
      return { scorers: versions.map(mlflowScorer) };
    }),
    route('GET', 'get', readers, async (request) => {
      const version = request.query.get('version');
      const name = required(request.query, 'name');
      return {
        scorer: mlflowScorer(
          await existing(openExperiment(request), name, { deps, version: version ? Number(version) : undefined }),
        ),
      };
    }),
    route('PUT', 'online-config', admins, (request) => changeSampling(request, deps)),
    route('GET', 'online-configs', readers, (request) => onlineConfigs(request, deps)),
    route('DELETE', 'delete', admins, (request) => remove(request, deps)),
  ];
}

function openExperiment({ query, requireExperiment }: ApiRequest): string {
  const id = required(query, 'experiment_id');
  requireExperiment(id);
  return id;
}

async function register(
  { body, requireExperiment }: ApiRequest,
  { scorers, rules, experiments, now }: ScorerRouteDeps,
) {
  const { experiment_id: id, name, serialized_scorer: serialized } = parse(registration, body);
  requireExperiment(id);
  if (!(await experiments.get(id))) throw new ApiError('RESOURCE_DOES_NOT_EXIST', `No Experiment with id=${id} exists`);
  refuseUnreadable(serialized);
  const version = await scorers.register({ experimentId: id, name, serialized, createdAt: now() });
  await followLatest(version, { rules, now });
  return {
    version: version.version,
    scorer_id: version.scorerId,
    experiment_id: id,
    name,
    serialized_scorer: serialized,
    creation_time: version.createdAt,
  };
}

function refuseUnreadable(serialized: string): void {
  try {
    parseSerializedScorer(serialized);
  } catch (error) {
    if (error instanceof InvalidSerializedScorerError) throw new ApiError('INVALID_PARAMETER_VALUE', error.message);
    throw error;
  }
}

/** What is active of a scorer is always its latest version; a rate and a filter that were set stay. */
async function followLatest(
  version: ScorerVersion,
  { rules, now }: Pick<ScorerRouteDeps, 'rules' | 'now'>,
): Promise<void> {
  const reason = whyNotRunnable(version);
  const paused = reason === undefined ? undefined : { reason, since: now() };
  await changeRules(rules, version.experimentId, (current) =>
    withNewVersion(current, { name: version.name, version: version.version, level: levelOf(version), paused }),
  );
}

function levelOf({ serialized }: ScorerVersion): 'session' | 'trace' {
  return parseSerializedScorer(serialized).isSessionLevel ? 'session' : 'trace';
}

async function existing(
  id: string,
  name: string,
  { deps, version }: { deps: ScorerRouteDeps; version?: number | undefined },
): Promise<ScorerVersion> {
  const found = await deps.scorers.get(id, name, version);
  if (!found)
    throw new ApiError('RESOURCE_DOES_NOT_EXIST', `Scorer with name '${name}' not found for experiment ${id}.`);
  return found;
}

async function changeSampling({ body, requireExperiment }: ApiRequest, deps: ScorerRouteDeps) {
  const wanted = parse(sampling, body);
  requireExperiment(wanted.experiment_id);
  const scorer = await existing(wanted.experiment_id, wanted.name, { deps });
  if (wanted.filter_string) parseFilter(wanted.filter_string);
  const ruleIn = ({ scorers }: Rules) => scorers.find(({ name }) => name === scorer.name);
  const rules = await changeRules(deps.rules, wanted.experiment_id, (current) => {
    const next = withSampling(current, {
      name: scorer.name,
      version: scorer.version,
      level: levelOf(scorer),
      sampleRate: wanted.sample_rate ?? undefined,
      // As in MLflow, leaving the filter out clears it.
      filter: wanted.filter_string ?? null,
    });
    if ((ruleIn(next)?.sampleRate ?? 0) > 0) refuseWhatCannotRun(scorer);
    return next;
  });
  const rule = ruleIn(rules);
  if (!rule) throw new Error(`the rules lost scorer ${scorer.name}`);
  return { config: mlflowOnlineConfig(scorer, rule) };
}

/** Told when it is started, not found out on the first trace. */
function refuseWhatCannotRun(scorer: ScorerVersion): void {
  const reason = whyNotRunnable(scorer);
  if (reason === undefined) return;
  throw new ApiError(
    'INVALID_PARAMETER_VALUE',
    `scorer '${scorer.name}' is registered but cannot be started: ${reason}`,
  );
}

function whyNotRunnable(scorer: ScorerVersion): string | undefined {
  const created = createScorer(scorer);
  return 'unsupported' in created ? created.unsupported : undefined;
}

/** By the scorers' ids, which are known per experiment: the caller may look into those that its key opens. */
async function onlineConfigs({ query, requireExperiment }: ApiRequest, deps: ScorerRouteDeps) {
  const ids = new Set(query.getAll('scorer_ids'));
  const experimentIds = query.getAll('experiment_id');
  const configs = [];
  for (const id of experimentIds.length > 0
    ? experimentIds
    : (await deps.experiments.list()).map((experiment) => experiment.experimentId)) {
    if (!isOpen(id, requireExperiment)) continue;
    const { scorers: rules } = await deps.rules.current(id);
    for (const scorer of rules.length > 0 ? await deps.scorers.list(id) : []) {
      const rule = rules.find(({ name }) => name === scorer.name);
      if (rule && (ids.size === 0 || ids.has(scorer.scorerId))) configs.push(mlflowOnlineConfig(scorer, rule));
    }
  }
  return { configs };
}

function isOpen(id: string, requireExperiment: (id: string) => void): boolean {
  try {
    requireExperiment(id);
    return true;
  } catch {
    return false;
  }
}

/** Deleted scorers are no longer listed or active; their versions stay readable, for the assessments that name them. */
async function remove({ body, requireExperiment }: ApiRequest, deps: ScorerRouteDeps) {
  const { experiment_id: id, name } = parse(deletion, body);
  requireExperiment(id);
  await existing(id, name, { deps });
  await changeRules(deps.rules, id, (rules) => withoutScorer(rules, name));
  await deps.scorers.remove(id, name);
  return {};
}
