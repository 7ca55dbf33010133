import { setTimeout as sleep } from 'node:timers/promises';
import { dynamodb, firehose, lambda, s3, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoAssessmentStore } from '../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoBackfillStore } from '../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoEvaluationStore } from '../../shared/adapters/dynamo-evaluation-store.ts';
import { dynamoRuleStore } from '../../shared/adapters/dynamo-rule-store.ts';
import { dynamoScorerStore } from '../../shared/adapters/dynamo-scorer-store.ts';
import { dynamoSessionStore } from '../../shared/adapters/dynamo-session-store.ts';
import { dynamoTraceIndex } from '../../shared/adapters/dynamo-trace-index.ts';
import { dynamoTraceSearch } from '../../shared/adapters/dynamo-trace-search.ts';
import { firehoseAssessmentArchive } from '../../shared/adapters/firehose-archive.ts';
import { judging } from '../../shared/adapters/judging.ts';
import { lambdaFunctionInvoker } from '../../shared/adapters/lambda-function-invoker.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { quickjsCodeRunner } from '../../shared/adapters/quickjs-code-runner.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { sqsMessageDelay } from '../../shared/adapters/sqs-message-delay.ts';
import { invokedFunction, invokedPython, runCode } from '../../shared/contracts/code/invoked-code.ts';
import { createScorer } from '../../shared/contracts/serialized-scorer.ts';
import { withInlineScorers } from '../../shared/domain/backfilling/inline-scorers.ts';
import { runningBackfills } from '../../shared/domain/backfilling/running-backfills.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { judgingMetrics } from '../../shared/runtime/judging-metrics.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const [dynamoClient, sqsClient] = [dynamodb(), sqs()];
const retentionDays = env.TRACE_RETENTION_DAYS;
const now = Date.now;
const backfills = dynamoBackfillStore(dynamoClient, env.REGISTRY_TABLE);
const functions = lambdaFunctionInvoker(lambda);
const run = runCode({
  // Beside the bundle: infra/constructs/trace-pipeline.ts puts it there.
  javascript: quickjsCodeRunner(new URL('./quickjs-worker.mjs', import.meta.url)).run,
  python: invokedPython(functions, env.RUN_PYTHON_FUNCTION),
  lambda: invokedFunction(functions),
});

export const handler = createHandler({
  ...judging({
    client: dynamoClient,
    registryTable: env.REGISTRY_TABLE,
    memoryTable: env.JUDGE_MEMORY_TABLE,
    models: env.JUDGE_MODELS,
    now,
    report: (error) => logger.error('judging goes on without help', { error }),
  }),
  index: dynamoTraceIndex(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  sessions: dynamoSessionStore(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  search: dynamoTraceSearch(dynamoClient, env.TRACES_TABLE),
  segments: s3SegmentStore(s3(), env.TRACE_STORE_BUCKET),
  codec: otlpTraceCodec,
  scorers: withInlineScorers(dynamoScorerStore(dynamoClient, env.REGISTRY_TABLE), { backfills, now }),
  rules: dynamoRuleStore(dynamoClient, env.REGISTRY_TABLE, { cacheSeconds: 30, now }),
  createScorer: (version) => createScorer(version, run),
  assessments: dynamoAssessmentStore(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  outcomes: dynamoEvaluationStore(dynamoClient, env.TRACES_TABLE, { retentionDays }),
  archive: firehoseAssessmentArchive(firehose(), { stream: env.ASSESSMENTS_STREAM, now }),
  metrics: judgingMetrics(),
  messages: sqsMessageDelay(sqsClient, env.EVALUATIONS_QUEUE_URL),
  backfillMessages: sqsMessageDelay(sqsClient, env.BACKFILL_QUEUE_URL),
  backfills: runningBackfills(backfills, { cacheSeconds: 30, now }),
  sleep,
  now,
  logger,
});
