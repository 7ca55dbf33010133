import * as z from 'zod';
import {
  type DatasetInput,
  type Metric,
  maxStartTime,
  type Run,
  type RunInfo,
  runNameTag,
  runStatuses,
} from '../domain/run.ts';
import {
  experimentIdField,
  integerField,
  keyField,
  limitField,
  orderByField,
  tagListField,
  textField,
  viewTypeField,
} from './mlflow-fields.ts';

/** MLflow's requests about runs, with its limits (mlflow/utils/validation.py), and its entities as its REST API spells them. */

/** Longer ones are cut, as MLflow does. */
const maxTagLength = 8_000;
const maxParamLength = 6_000;

const cut = (length: number) => textField.transform((text) => text.slice(0, length));
const timeField = integerField.refine((time) => time >= 0 && time <= maxStartTime, 'expected epoch milliseconds');

/** Clients name it twice; the older name alone is from before MLflow 1. */
const runIdShape = { run_id: z.string().nullish(), run_uuid: z.string().nullish() };

/** A request about one run, with the run's id under `runId`. */
function ofRun<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object({ ...runIdShape, ...shape }).transform((request, context) => {
    const { run_id, run_uuid } = request as { run_id?: string | null; run_uuid?: string | null };
    const runId = run_id || run_uuid;
    if (runId) return { ...request, runId };
    context.addIssue({ code: 'custom', path: ['run_id'], message: 'missing', input: undefined });
    return z.NEVER;
  });
}

const tag = { key: keyField, value: cut(maxTagLength) };
const param = { key: keyField, value: cut(maxParamLength) };

/** As protobuf's JSON spells what JSON cannot. Infinities are kept as the largest numbers, as MLflow does. */
const valueField = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^(NaN|-?Infinity|-?\d+(\.\d*)?([eE][+-]?\d+)?)$/, 'expected a number')
      .transform(Number),
  ])
  .transform((value) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value)));
const metric = {
  key: keyField,
  value: valueField,
  timestamp: integerField.refine((time) => time >= 0, 'Timestamp must be a nonnegative long (64-bit integer)'),
  step: integerField.nullish().transform((step) => step ?? 0),
};

const maxMetrics = 1_000;
const maxOthers = 100;
const listOf = <Item extends z.ZodType>(item: Item, { what, max }: { what: string; max: number }) =>
  z
    .array(item)
    .max(
      max,
      `A batch logging request can contain at most ${max} ${what}. Please split up ${what} across multiple requests and try again.`,
    )
    .nullish()
    .transform((items) => items ?? []);

/** An item holds 400 KB; MLflow allows a schema of 1 MB. */
const maxDatasetLength = 300_000;
const dataset = z.object({
  dataset: z
    .object({
      name: z.string().min(1).max(500),
      digest: z.string().min(1).max(36),
      source_type: z.string(),
      source: z.string(),
      schema: z.string().nullish(),
      profile: z.string().nullish(),
    })
    .refine(
      (all) => Buffer.byteLength(JSON.stringify(all)) <= maxDatasetLength,
      `a dataset's source, schema and profile have more than ${maxDatasetLength} bytes, which is what can be stored`,
    ),
  tags: z
    .array(z.object({ key: z.string().max(255), value: z.string().max(500) }))
    .nullish()
    .transform((tags) => tags ?? []),
});

export const runRequests = {
  create: z.object({
    experiment_id: experimentIdField.nullish(),
    user_id: textField,
    start_time: timeField.nullish(),
    run_name: cut(maxTagLength),
    tags: tagListField,
  }),
  named: ofRun({}),
  update: ofRun({ status: z.enum(runStatuses).nullish(), end_time: timeField.nullish(), run_name: cut(maxTagLength) }),
  search: z.object({
    experiment_ids: z
      .array(experimentIdField)
      .max(100, 'at most 100 experiments can be searched at once')
      .nullish()
      .transform((ids) => ids ?? []),
    filter: z.string().nullish(),
    run_view_type: viewTypeField,
    max_results: limitField({ default: 1_000, max: 50_000 }),
    order_by: orderByField,
    page_token: z.string().nullish(),
  }),
  logMetric: ofRun(metric),
  logParam: ofRun(param),
  setTag: ofRun(tag),
  deleteTag: ofRun({ key: z.string().min(1) }),
  logBatch: ofRun({
    metrics: listOf(z.object(metric), { what: 'metrics', max: maxMetrics }),
    params: listOf(z.object(param), { what: 'params', max: maxOthers }),
    tags: listOf(z.object(tag), { what: 'tags', max: maxOthers }),
  }),
  logInputs: ofRun({
    datasets: listOf(dataset, { what: 'datasets', max: maxMetrics }),
    models: z.array(z.unknown()).max(0, 'logged models are not kept here: leave the model out').nullish(),
  }),
  history: ofRun({
    metric_key: z.string().min(1),
    max_results: limitField({ default: 25_000, max: 25_000 }),
    page_token: z.string().nullish(),
  }),
};

export function toDatasetInput({
  dataset: { source_type: sourceType, schema, profile, ...rest },
  tags,
}: z.output<typeof dataset>): DatasetInput {
  return {
    ...rest,
    sourceType,
    ...(schema && { schema }),
    ...(profile && { profile }),
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
  };
}

export function mlflowRunInfo(info: RunInfo): object {
  return {
    run_uuid: info.runId,
    run_id: info.runId,
    experiment_id: info.experimentId,
    run_name: info.name,
    user_id: info.userId,
    status: info.status,
    start_time: info.startTime,
    ...(info.endTime !== undefined && { end_time: info.endTime }),
    artifact_uri: info.artifactUri,
    lifecycle_stage: info.lifecycleStage,
  };
}

export function mlflowRun({ info, metrics, params, tags, inputs }: Run): object {
  return {
    info: mlflowRunInfo(info),
    data: {
      metrics: metrics.map(mlflowMetric),
      params: keyValues(params),
      tags: keyValues({ ...tags, [runNameTag]: info.name }),
    },
    inputs: { dataset_inputs: inputs.map(mlflowDatasetInput) },
  };
}

export function mlflowMetric({ key, value, timestamp, step }: Metric): object {
  return { key, value: Number.isNaN(value) ? 'NaN' : value, timestamp, step };
}

function mlflowDatasetInput({ sourceType, tags, ...dataset }: DatasetInput): object {
  return { dataset: { ...dataset, source_type: sourceType }, tags: keyValues(tags) };
}

function keyValues(texts: Readonly<Record<string, string>>): object[] {
  return Object.entries(texts).map(([key, value]) => ({ key, value }));
}
