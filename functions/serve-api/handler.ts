import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { dynamodb, firehose, lambda, s3, sfn, sqs } from '../../shared/adapters/aws-clients.ts';
import { dynamoAssessmentStore } from '../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoBackfillStore } from '../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoBudgetStore } from '../../shared/adapters/dynamo-budget-store.ts';
import { dynamoEvaluationReader } from '../../shared/adapters/dynamo-evaluation-reader.ts';
import { dynamoExperimentStore } from '../../shared/adapters/dynamo-experiment-store.ts';
import { dynamoOtelTableStore } from '../../shared/adapters/dynamo-otel-table-store.ts';
import { dynamoRequestCounts } from '../../shared/adapters/dynamo-request-counts.ts';
import { dynamoRuleStore } from '../../shared/adapters/dynamo-rule-store.ts';
import { dynamoRunStore } from '../../shared/adapters/dynamo-run-store.ts';
import { dynamoScorerStore } from '../../shared/adapters/dynamo-scorer-store.ts';
import { dynamoSessionStore } from '../../shared/adapters/dynamo-session-store.ts';
import { dynamoSliceProgress } from '../../shared/adapters/dynamo-slice-progress.ts';
import { dynamoTraceEditor } from '../../shared/adapters/dynamo-trace-editor.ts';
import { dynamoTraceReader } from '../../shared/adapters/dynamo-trace-reader.ts';
import { dynamoTraceRemover } from '../../shared/adapters/dynamo-trace-remover.ts';
import { dynamoTraceSearch } from '../../shared/adapters/dynamo-trace-search.ts';
import { firehoseAssessmentArchive, firehoseDeletionArchive } from '../../shared/adapters/firehose-archive.ts';
import { lambdaDirectJudging } from '../../shared/adapters/lambda-direct-judging.ts';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { s3AnswerStore } from '../../shared/adapters/s3-answer-store.ts';
import { s3AttachmentStore } from '../../shared/adapters/s3-attachment-store.ts';
import { s3SliceDecisions, s3SliceFiles } from '../../shared/adapters/s3-backfill-files.ts';
import { s3SegmentStore } from '../../shared/adapters/s3-segment-store.ts';
import { sfnBackfillExecutions } from '../../shared/adapters/sfn-backfill-executions.ts';
import { sqsArrivalQueue } from '../../shared/adapters/sqs-arrival-queue.ts';
import { readTraits } from '../../shared/contracts/serialized-scorer.ts';
import { requestLimiter } from '../../shared/domain/limit-requests.ts';
import { readEnv } from '../../shared/runtime/env.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { createHandler } from './create-handler.ts';
import { envSchema } from './env.ts';

const env = readEnv(envSchema);
const [dynamoClient, s3Client, firehoseClient] = [dynamodb(), s3(), firehose()];
const tableOptions = { retentionDays: env.TRACE_RETENTION_DAYS };
const experiments = dynamoExperimentStore(dynamoClient, env.REGISTRY_TABLE);
const now = Date.now;

export const handler = createHandler({
  index: dynamoTraceReader(dynamoClient, env.TRACES_TABLE),
  editor: dynamoTraceEditor(dynamoClient, env.TRACES_TABLE, tableOptions),
  remover: dynamoTraceRemover(dynamoClient, env.TRACES_TABLE, tableOptions),
  search: dynamoTraceSearch(dynamoClient, env.TRACES_TABLE),
  segments: s3SegmentStore(s3Client, env.TRACE_STORE_BUCKET),
  attachments: s3AttachmentStore(s3Client, env.TRACE_STORE_BUCKET),
  sessions: dynamoSessionStore(dynamoClient, env.TRACES_TABLE, tableOptions),
  answers: s3AnswerStore(s3Client, env.TRACE_STORE_BUCKET),
  codec: otlpTraceCodec,
  assessments: dynamoAssessmentStore(dynamoClient, env.TRACES_TABLE, tableOptions),
  archive: firehoseAssessmentArchive(firehoseClient, { stream: env.ASSESSMENTS_STREAM, now }),
  deletions: firehoseDeletionArchive(firehoseClient, { stream: env.TRACES_STREAM, now }),
  settleQueue: sqsArrivalQueue(sqs(), env.ARRIVALS_QUEUE_URL),
  experiments,
  otelTables: dynamoOtelTableStore(dynamoClient, env.REGISTRY_TABLE, experiments),
  runs: dynamoRunStore(dynamoClient, env.REGISTRY_TABLE),
  scorers: dynamoScorerStore(dynamoClient, env.REGISTRY_TABLE),
  backfills: dynamoBackfillStore(dynamoClient, env.REGISTRY_TABLE),
  sliceProgress: dynamoSliceProgress(dynamoClient, env.TRACES_TABLE, { ...tableOptions, now }),
  executions: sfnBackfillExecutions(sfn, env.BACKFILL_STATE_MACHINE),
  files: s3SliceFiles(s3Client, env.TRACE_STORE_BUCKET),
  decisions: s3SliceDecisions(s3Client, env.TRACE_STORE_BUCKET),
  // What was judged directly is counted at once.
  evaluations: dynamoEvaluationReader(dynamoClient, env.TRACES_TABLE, { consistent: true }),
  direct: lambdaDirectJudging(lambda, {
    functionName: env.RUN_SCORERS_FUNCTION,
    now,
    report: (error) => logger.error('judging directly failed, the lane goes on', { error }),
  }),
  budgets: dynamoBudgetStore(dynamoClient, env.REGISTRY_TABLE),
  readTraits,
  // Whoever changes the rules reads what they are now.
  rules: dynamoRuleStore(dynamoClient, env.REGISTRY_TABLE, { cacheSeconds: 0, now }),
  isWithinLimit: requestLimiter({ counts: dynamoRequestCounts(dynamoClient, env.REQUEST_COUNTS_TABLE), now }),
  retentionDays: env.TRACE_RETENTION_DAYS,
  newId: () => randomBytes(16).toString('hex'),
  now,
  sleep,
  logger,
});
