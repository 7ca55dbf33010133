import type { Assessment } from '../domain/assessment.ts';
import type { Experiment } from '../domain/experiment.ts';
import { sessionKey, sessionOf, userKey, userOf } from '../domain/facts/who.ts';
import type { ScorerRule } from '../domain/rules.ts';
import type { ScorerVersion } from '../domain/scorer.ts';
import type { JsonValue } from '../domain/span.ts';
import type { TraceInfo } from '../domain/trace.ts';
import { type ScorerReader, writtenFor } from './scorer-for-client.ts';

/** MLflow's entities as its REST API spells them (mlflow/protos/service.proto); snake_case, int64 as numbers, times in RFC 3339. */

export function mlflowTraceInfo(
  { traceId, experimentId, facts }: Pick<TraceInfo, 'traceId' | 'experimentId' | 'facts'>,
  assessments: readonly Assessment[],
): object {
  const { tokens, cost } = facts;
  const [session, user] = [sessionOf(facts), userOf(facts)];
  return {
    trace_id: traceId,
    ...(facts.clientRequestId !== undefined && { client_request_id: facts.clientRequestId }),
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } },
    ...(facts.requestPreview !== undefined && { request_preview: facts.requestPreview }),
    ...(facts.responsePreview !== undefined && { response_preview: facts.responsePreview }),
    request_time: rfc3339(facts.requestTime),
    execution_duration: `${facts.durationMs / 1000}s`,
    state: facts.state,
    trace_metadata: {
      'mlflow.trace_schema.version': '3',
      'mlflow.trace.sizeStats': JSON.stringify({ num_spans: facts.spanCount }),
      ...facts.metadata,
      ...(session !== undefined && { [sessionKey]: session }),
      ...(user !== undefined && { [userKey]: user }),
      ...(tokens && { 'mlflow.trace.tokenUsage': JSON.stringify(tokenUsage(tokens)) }),
      ...(cost && {
        'mlflow.trace.cost': JSON.stringify({
          input_cost: cost.inputCost,
          output_cost: cost.outputCost,
          total_cost: cost.totalCost,
        }),
      }),
    },
    tags: {
      ...(facts.name !== undefined && { 'mlflow.traceName': facts.name }),
      ...facts.tags,
      // With another value the client would upload its spans as an artifact, too.
      'mlflow.trace.spansLocation': 'TRACKING_STORE',
      'mlflow.artifactLocation': `mlflow-artifacts:/${experimentId}/traces/${traceId}/artifacts`,
    },
    assessments: assessments.toSorted(byCreation).map(mlflowAssessment),
  };
}

function byCreation(a: Assessment, b: Assessment): number {
  return a.createdAt - b.createdAt || (a.assessmentId < b.assessmentId ? -1 : 1);
}

function tokenUsage(tokens: NonNullable<TraceInfo['facts']['tokens']>): object {
  return {
    input_tokens: tokens.inputTokens,
    output_tokens: tokens.outputTokens,
    total_tokens: tokens.totalTokens,
    ...(tokens.cacheReadInputTokens !== undefined && { cache_read_input_tokens: tokens.cacheReadInputTokens }),
    ...(tokens.cacheCreationInputTokens !== undefined && {
      cache_creation_input_tokens: tokens.cacheCreationInputTokens,
    }),
  };
}

export function mlflowAssessment(assessment: Assessment): object {
  return {
    assessment_id: assessment.assessmentId,
    assessment_name: assessment.name,
    trace_id: assessment.traceId,
    ...(assessment.spanId !== undefined && { span_id: assessment.spanId }),
    source: { source_type: assessment.source.type, source_id: assessment.source.id },
    create_time: rfc3339(assessment.createdAt),
    last_update_time: rfc3339(assessment.updatedAt),
    ...(assessment.kind === 'feedback'
      ? { feedback: feedbackOf(assessment) }
      : { expectation: expectationOf(assessment.value) }),
    ...(assessment.rationale !== undefined && { rationale: assessment.rationale }),
    metadata: assessment.metadata,
    ...(assessment.overrides !== undefined && { overrides: assessment.overrides }),
    valid: assessment.valid,
  };
}

function feedbackOf({ value, error }: Assessment): object {
  if (!error) return { value };
  const { code: error_code, message: error_message, stackTrace: stack_trace } = error;
  return { value, error: { error_code, error_message, ...(stack_trace !== undefined && { stack_trace }) } };
}

/** Lists and maps travel as JSON text. */
function expectationOf(value: JsonValue): object {
  if (typeof value !== 'object' || value === null) return { value };
  return { serialized_value: { serialization_format: 'JSON_FORMAT', value: JSON.stringify(value) } };
}

export function mlflowExperiment(experiment: Experiment): object {
  return {
    experiment_id: experiment.experimentId,
    name: experiment.name,
    artifact_location: experiment.artifactLocation ?? `mlflow-artifacts:/${experiment.experimentId}`,
    lifecycle_stage: experiment.lifecycleStage,
    creation_time: experiment.createdAt,
    last_update_time: experiment.updatedAt,
    tags: Object.entries(experiment.tags).map(([key, value]) => ({ key, value })),
  };
}

/** In this message experiment id and version are numbers. */
export function mlflowScorer(scorer: ScorerVersion, reader?: ScorerReader): object {
  return {
    experiment_id: Number(scorer.experimentId),
    scorer_name: scorer.name,
    scorer_version: scorer.version,
    serialized_scorer: writtenFor(scorer.serialized, reader),
    creation_time: scorer.createdAt,
    scorer_id: scorer.scorerId,
  };
}

/** The sampling of a scorer; beyond MLflow, `paused` tells why it does not run. */
export function mlflowOnlineConfig(scorer: Pick<ScorerVersion, 'scorerId' | 'experimentId'>, rule: ScorerRule): object {
  return {
    online_scoring_config_id: scorer.scorerId,
    scorer_id: scorer.scorerId,
    sample_rate: rule.sampleRate,
    experiment_id: scorer.experimentId,
    ...(rule.filter !== undefined && { filter_string: rule.filter }),
    ...(rule.paused && { paused: rule.paused.reason }),
  };
}

function rfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
