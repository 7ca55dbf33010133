import type { Route } from '../../../../functions/serve-api/router.ts';

/** What the request is about: all of one experiment. */
export interface Subject {
  readonly experimentId: string;
  readonly traceId: string;
  readonly assessmentId: string;
  readonly runId: string;
  /** Of its scorer, its tags, its runs. */
  readonly name: string;
  /** What is written by the request, to be recognised where it comes out again. */
  readonly text: string;
}

interface RouteRequest {
  /** With its query. */
  readonly path: string;
  readonly body?: object;
}

/**
 * A request that most routes take, whatever they are: everything that any of them asks for, by the names that MLflow has for it. A
 * route that asks for something new is reached once that stands here.
 */
export function aRequestFor({ method, path }: Route, subject: Subject): RouteRequest {
  const fields = { ...fieldsOf(subject), ...fieldsOfOne(path) };
  const parameters: Readonly<Record<string, string>> = {
    traceId: subject.traceId,
    requestId: subject.traceId,
    experimentId: subject.experimentId,
    assessmentId: subject.assessmentId,
    key: subject.name,
  };
  const filled = path.replace(/\{(\w+)\+?\}/g, (_, name: string) => parameters[name] ?? subject.name);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields))
    for (const each of Array.isArray(value) ? value : [value])
      if (typeof each === 'string' || typeof each === 'number') query.append(name, String(each));
  // What MLflow's clients send in the query has no body, but for DELETE, where they send both.
  return { path: `${filled}?${query}`, ...(method !== 'GET' && { body: fields }) };
}

/** Where a name means something else than in the other routes. */
function fieldsOfOne(path: string): Readonly<Record<string, unknown>> {
  if (path.endsWith('/experiments/search')) return { view_type: 'ALL' };
  return path.endsWith('/log-metric') ? { value: 0.5 } : {};
}

function fieldsOf({
  experimentId,
  traceId,
  assessmentId,
  runId,
  name,
  text,
}: Subject): Readonly<Record<string, unknown>> {
  const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } };
  const source = { source_type: 'HUMAN', source_id: 'somebody' };
  return {
    experiment_id: experimentId,
    experiment_ids: [experimentId],
    experiment_name: text,
    new_name: `${text} renamed`,
    locations: [location],
    trace_id: traceId,
    trace_ids: [traceId],
    request_id: traceId,
    request_ids: [traceId],
    assessment_id: assessmentId,
    assessment: { assessment_name: name, source, feedback: { value: true }, rationale: text },
    update_mask: 'rationale',
    name,
    scorer_name: name,
    scorers: [{ name }],
    serialized_scorer: JSON.stringify({
      name,
      description: text,
      serialization_version: 1,
      assay_heuristic: { type: 'error_free' },
    }),
    sample_rate: 0.5,
    tokens_per_day: 1_000,
    filter_string: `name != '${text}'`,
    filter_string1: "status = 'OK'",
    filter_string2: `name = '${text}'`,
    key: name,
    value: text,
    tags: [{ key: name, value: text }],
    run_id: runId,
    timestamp: 1,
    metrics: [{ key: name, value: 0.5, timestamp: 1 }],
    metric_key: name,
    datasets: [{ dataset: { name, digest: '1', source_type: 'code', source: text } }],
    run_name: text,
    path: `attachments/${name}`,
    prompt_versions: [{ name, version: '1' }],
    max_results: 10,
    view_type: 'TRACES',
    metric_name: 'trace_count',
    aggregations: [{ aggregation_type: 'COUNT' }],
    trace: {
      trace_info: {
        trace_id: traceId,
        trace_location: location,
        request_time: new Date(Date.UTC(2026, 5, 1)).toISOString(),
        execution_duration: '1s',
        state: 'OK',
        request_preview: text,
        trace_metadata: {},
        tags: {},
      },
    },
  };
}
