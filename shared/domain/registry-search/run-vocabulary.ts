import { type Run, runNameTag } from '../run.ts';
import { keyedTexts, numberAttribute, textAttribute, type Vocabulary } from './vocabulary.ts';

const name = textAttribute(({ info }: Run) => info.name);
const started = numberAttribute(({ info }: Run) => info.startTime);
const tags = keyedTexts('tag', ({ info, tags: own }: Run) => ({ ...own, [runNameTag]: info.name }));
const params = keyedTexts('parameter', (run: Run) => run.params);
const metrics = {
  entity: 'metric',
  fieldOf: (key: string) => numberAttribute((run: Run) => run.metrics.find((metric) => metric.key === key)?.value),
};

/** What a filter or an order can name of a run, with MLflow's aliases. */
export const runVocabulary: Vocabulary<Run> = {
  attributes: {
    run_id: textAttribute(({ info }) => info.runId, ['IN', 'NOT IN']),
    run_name: name,
    'run name': name,
    'Run name': name,
    'Run Name': name,
    user_id: textAttribute(({ info }) => info.userId),
    status: textAttribute(({ info }) => info.status),
    artifact_uri: textAttribute(({ info }) => info.artifactUri),
    start_time: started,
    created: started,
    Created: started,
    end_time: numberAttribute(({ info }) => info.endTime),
  },
  keyed: {
    tag: tags,
    tags,
    parameter: params,
    parameters: params,
    param: params,
    params,
    metric: metrics,
    metrics,
  },
};
