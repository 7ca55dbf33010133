import * as z from 'zod';
import { mlflowExperiment } from '../../../shared/contracts/mlflow-entities.ts';
import { ApiError } from '../../../shared/domain/api-error.ts';
import type { Experiment } from '../../../shared/domain/experiment.ts';
import type { Clock, ExperimentStore } from '../../../shared/domain/ports.ts';
import { parse, required } from '../request.ts';
import { keyHolders, type Route, readers, writers } from '../router.ts';

export interface ExperimentRouteDeps {
  readonly experiments: ExperimentStore;
  readonly now: Clock;
}

const keyValue = z.object({ key: z.string(), value: z.string() });
const creation = z.object({ name: z.string().min(1).max(500), tags: z.array(keyValue).optional() });

export function experimentRoutes({ experiments, now }: ExperimentRouteDeps): readonly Route[] {
  const base = '/api/2.0/mlflow/experiments';
  return [
    {
      method: 'POST',
      path: `${base}/create`,
      roles: writers,
      handle: async ({ body, requireAllExperiments }) => {
        requireAllExperiments();
        const { name, tags = [] } = parse(creation, body);
        const at = now();
        const experiment: Omit<Experiment, 'experimentId'> = {
          name,
          lifecycleStage: 'active',
          createdAt: at,
          updatedAt: at,
          tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
        };
        const created = await experiments.create(experiment);
        if (!created) throw new ApiError('RESOURCE_ALREADY_EXISTS', `Experiment '${name}' already exists.`);
        return { json: { experiment_id: created.experimentId } };
      },
    },
    {
      method: 'GET',
      path: `${base}/get`,
      roles: keyHolders,
      handle: async ({ query, requireExperiment }) => {
        const id = required(query, 'experiment_id');
        requireExperiment(id);
        return found(await experiments.get(id), `No Experiment with id=${id} exists`);
      },
    },
    {
      method: 'GET',
      path: `${base}/get-by-name`,
      roles: keyHolders,
      handle: async ({ query, requireExperiment }) => {
        const name = required(query, 'experiment_name');
        const experiment = await experiments.getByName(name);
        if (experiment) requireExperiment(experiment.experimentId);
        return found(experiment, `Could not find experiment with name '${name}'`);
      },
    },
    {
      method: 'POST',
      path: `${base}/search`,
      roles: readers,
      handle: async ({ requireExperiment }) => {
        const all = (await experiments.list()).filter(({ lifecycleStage }) => lifecycleStage === 'active');
        return {
          json: {
            experiments: all.filter((experiment) => isOpen(experiment, requireExperiment)).map(mlflowExperiment),
          },
        };
      },
    },
  ];
}

function found(experiment: Experiment | undefined, message: string) {
  if (!experiment) throw new ApiError('RESOURCE_DOES_NOT_EXIST', message);
  return { json: { experiment: mlflowExperiment(experiment) } };
}

function isOpen({ experimentId }: Experiment, requireExperiment: (id: string) => void): boolean {
  try {
    requireExperiment(experimentId);
    return true;
  } catch {
    return false;
  }
}
