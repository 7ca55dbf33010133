import * as z from 'zod';
import { budgetAnswer, toLimits } from '../../../shared/contracts/budget-answer.ts';
import { experimentIdField, integerField } from '../../../shared/contracts/mlflow-fields.ts';
import { onlyFields } from '../../../shared/contracts/only-fields.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import { activeExperiment, existingExperiment } from '../../../shared/domain/change-experiments.ts';
import { asOf, type BudgetStore, dayOf } from '../../../shared/domain/judging/budget.ts';
import { type BudgetOwner, removeBudget, setBudget } from '../../../shared/domain/judging/change-budgets.ts';
import type { Clock, ExperimentStore, ScorerStore } from '../../../shared/domain/ports.ts';
import { existingScorer } from '../../../shared/domain/registering/change-scorers.ts';
import { type ApiRequest, parse, required } from '../request.ts';
import { admins, jsonRoutes, type Route, readers } from '../router.ts';

export interface BudgetRouteDeps {
  readonly budgets: Pick<BudgetStore, 'read' | 'replace'>;
  readonly experiments: Pick<ExperimentStore, 'get'>;
  readonly scorers: Pick<ScorerStore, 'get'>;
  readonly now: Clock;
}

const owner = onlyFields({
  experiment_id: experimentIdField,
  scorer_name: z
    .string()
    .nullish()
    .transform((name) => name || undefined),
});
/** A million dollars, and as many tokens as whole numbers are exact. */
const usd = z.number().min(0).max(1_000_000).nullish();
const tokens = integerField.refine((count) => count >= 0, 'expected 0 or more').nullish();
const limits = { usd_per_day: usd, usd_per_month: usd, tokens_per_day: tokens, tokens_per_month: tokens };
const setting = onlyFields({ ...owner.shape, ...limits }).refine(
  (body) =>
    [body.usd_per_day, body.usd_per_month, body.tokens_per_day, body.tokens_per_month].some((limit) => limit != null),
  'give at least one of usd_per_day, usd_per_month, tokens_per_day, tokens_per_month',
);

/** What judges may spend: of an experiment, or of one of its scorers. */
export function budgetRoutes(deps: BudgetRouteDeps): readonly Route[] {
  const route = jsonRoutes('/api/1.0/assay/budgets', deps);
  return [route(['PUT', ''], admins, set), route(['GET', ''], readers, list), route(['DELETE', ''], admins, remove)];
}

async function set({ body, requireExperiment }: ApiRequest, deps: BudgetRouteDeps): Promise<object> {
  const wanted = parse(setting, body);
  const whose = { experimentId: wanted.experiment_id, scorer: wanted.scorer_name };
  requireExperiment(whose.experimentId);
  await activeExperiment(whose.experimentId, deps);
  if (whose.scorer !== undefined)
    await existingScorer(deps.scorers, { experimentId: whose.experimentId, name: whose.scorer });
  await setBudget(deps.budgets, whose, toLimits(wanted));
  const budget = (await answers(whose.experimentId, deps)).find(({ scorer_name: name }) => name === whose.scorer);
  if (!budget) throw noBudget(whose);
  return { budget };
}

async function list({ query, requireExperiment }: ApiRequest, deps: BudgetRouteDeps): Promise<object> {
  const { experiment_id: experimentId } = parse(owner, { experiment_id: required(query, 'experiment_id') });
  requireExperiment(experimentId);
  await existingExperiment(experimentId, deps);
  return { budgets: await answers(experimentId, deps) };
}

async function remove({ body, requireExperiment }: ApiRequest, { budgets }: BudgetRouteDeps): Promise<object> {
  const { experiment_id: experimentId, scorer_name: scorer } = parse(owner, body);
  requireExperiment(experimentId);
  if (!(await removeBudget(budgets, { experimentId, scorer }))) throw noBudget({ experimentId, scorer });
  return {};
}

async function answers(experimentId: string, { budgets, now }: BudgetRouteDeps) {
  const book = asOf(await budgets.read(experimentId), dayOf(now()));
  return book.budgets.map((budget) => budgetAnswer(experimentId, budget));
}

function noBudget({ experimentId, scorer }: BudgetOwner): ApiError {
  const whose =
    scorer === undefined ? `experiment ${experimentId}` : `scorer '${scorer}' of experiment ${experimentId}`;
  return new ApiError('RESOURCE_DOES_NOT_EXIST', `No budget is set for ${whose}`);
}
