import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createHandler, type ServeApiDeps } from '../../../../functions/serve-api/create-handler.ts';
import { dynamoAssessmentStore } from '../../../../shared/adapters/dynamo-assessment-store.ts';
import { dynamoBackfillStore } from '../../../../shared/adapters/dynamo-backfill-store.ts';
import { dynamoBudgetStore } from '../../../../shared/adapters/dynamo-budget-store.ts';
import { dynamoEvaluationReader } from '../../../../shared/adapters/dynamo-evaluation-reader.ts';
import { dynamoExperimentStore } from '../../../../shared/adapters/dynamo-experiment-store.ts';
import { dynamoOtelTableStore } from '../../../../shared/adapters/dynamo-otel-table-store.ts';
import { dynamoRuleStore } from '../../../../shared/adapters/dynamo-rule-store.ts';
import { dynamoRunStore } from '../../../../shared/adapters/dynamo-run-store.ts';
import { dynamoScorerStore } from '../../../../shared/adapters/dynamo-scorer-store.ts';
import { dynamoSessionStore } from '../../../../shared/adapters/dynamo-session-store.ts';
import { dynamoSliceProgress } from '../../../../shared/adapters/dynamo-slice-progress.ts';
import { dynamoTraceEditor } from '../../../../shared/adapters/dynamo-trace-editor.ts';
import { dynamoTraceReader } from '../../../../shared/adapters/dynamo-trace-reader.ts';
import { dynamoTraceRemover } from '../../../../shared/adapters/dynamo-trace-remover.ts';
import { dynamoTraceSearch } from '../../../../shared/adapters/dynamo-trace-search.ts';
import { otlpTraceCodec } from '../../../../shared/adapters/otlp-trace-codec.ts';
import type { GatewayEvent } from '../../../../shared/contracts/gateway-call.ts';
import { readTraits } from '../../../../shared/contracts/serialized-scorer.ts';
import { noon } from '../../../support/builders/a-trace-info.ts';
import { startDynalite } from '../../../support/dynalite-endpoint.ts';
import { createTables, type Tables } from '../../../support/dynamo-tables.ts';
import { InMemoryBackfills } from '../../../support/in-memory/in-memory-backfills.ts';
import { InMemoryTraceIndex } from '../../../support/in-memory/in-memory-trace-index.ts';
import { localCredentials } from '../../../support/local-credentials.ts';

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, unknown>>;
}

type Call = (method: string, path: string, body?: object, headers?: Readonly<Record<string, string>>) => Promise<Reply>;

/** The function over tables of its own, without a gateway; `answers` and `segments` hold nothing. */
export interface Api {
  readonly tables: Tables;
  readonly deps: ServeApiDeps;
  /** With an admin's key. */
  readonly call: Call;
  /** What the function reported as its own failure. */
  readonly failures: readonly unknown[];
  /** Executions that were asked for: backfill and attempt. */
  readonly started: string[];
  stop(): Promise<void>;
}

export async function startApi(): Promise<Api> {
  const engine = await startDynalite();
  const client = new DynamoDBClient({ endpoint: engine.endpoint, ...localCredentials });
  const tables = await createTables(client);
  const failures: unknown[] = [];
  const started: string[] = [];
  const deps = depsOn(tables, { failures, started });
  return {
    tables,
    deps,
    call: callerOf(deps),
    failures,
    started,
    stop: async () => {
      client.destroy();
      await engine.stop();
    },
  };
}

/** Answers the id of a new experiment, in which these heuristics are registered. */
export async function anExperimentWith({ call }: Pick<Api, 'call'>, name: string, scorers: readonly string[]) {
  const { body } = await call('POST', '/api/2.0/mlflow/experiments/create', { name });
  const experimentId = String(body.experiment_id);
  for (const scorer of scorers) {
    const serialized = { name: scorer, serialization_version: 1, assay_heuristic: { type: 'error_free' } };
    const registered = { experiment_id: experimentId, name: scorer, serialized_scorer: JSON.stringify(serialized) };
    await call('POST', '/api/3.0/mlflow/scorers/register', registered);
  }
  return experimentId;
}

/** What an authorizer says of an admin's key. */
const anAdmin = { lambda: { decision: 'allowed', role: 'admin', experimentIds: '' } };

/** Of an admin's key that is limited to experiments, joined by commas. */
export function aKeyOf(experimentIds: string): object {
  return { lambda: { ...anAdmin.lambda, experimentIds } };
}

/** `authorizer`: what it says of the caller; absent as on routes that need none. */
export function callerOf(deps: ServeApiDeps, authorizer: object | undefined = anAdmin): Call {
  const handler = createHandler(deps);
  return async (method, path, body, sent) => {
    const [rawPath = '', rawQueryString = ''] = path.split('?');
    const event = {
      rawPath,
      rawQueryString,
      requestContext: { http: { method }, authorizer },
      ...(sent && { headers: sent }),
      ...(body && { body: JSON.stringify(body) }),
      isBase64Encoded: false,
    };
    const { statusCode = 0, headers = {}, body: text } = await handler(event as unknown as GatewayEvent);
    const isJson = headers['content-type'] === 'application/json';
    return { status: statusCode, headers, body: isJson ? JSON.parse(text ?? '') : { text } };
  };
}

function depsOn(
  { client, traces, registry }: Tables,
  { failures, started }: { failures: unknown[]; started: string[] },
): ServeApiDeps {
  const nothing = () => Promise.reject(new Error('nothing is stored'));
  let ids = 0;
  const backfills = new InMemoryBackfills(new InMemoryTraceIndex());
  const experiments = dynamoExperimentStore(client, registry);
  return {
    index: dynamoTraceReader(client, traces),
    sessions: dynamoSessionStore(client, traces, { retentionDays: 30 }),
    editor: dynamoTraceEditor(client, traces, { retentionDays: 30 }),
    remover: dynamoTraceRemover(client, traces, { retentionDays: 30 }),
    search: dynamoTraceSearch(client, traces),
    segments: { readBlock: nothing, erase: async () => {} },
    attachments: { put: nothing, urlOf: nothing, remove: nothing },
    deletions: { addDeleted: async () => {} },
    archive: { addAssessments: async () => {} },
    settleQueue: { settle: async () => {} },
    answers: { put: async () => 'https://storage.example/signed' },
    codec: otlpTraceCodec,
    assessments: dynamoAssessmentStore(client, traces, { retentionDays: 30 }),
    experiments,
    otelTables: dynamoOtelTableStore(client, registry, experiments),
    runs: dynamoRunStore(client, registry),
    scorers: dynamoScorerStore(client, registry),
    backfills: dynamoBackfillStore(client, registry),
    sliceProgress: dynamoSliceProgress(client, traces, { retentionDays: 30, now: () => noon }),
    files: backfills.sliceFiles,
    decisions: backfills.decisions,
    evaluations: dynamoEvaluationReader(client, traces, { consistent: true }),
    // As if the function that judges could never be asked.
    direct: { judge: async () => {}, tryOut: async () => [] },
    executions: { start: async ({ backfillId, attempt }) => void started.push(`${backfillId}/${attempt}`) },
    budgets: dynamoBudgetStore(client, registry),
    readTraits,
    rules: dynamoRuleStore(client, registry, { cacheSeconds: 0, now: () => noon }),
    isWithinLimit: async ({ keyHash }) => keyHash !== 'spent',
    retentionDays: 30,
    newId: () => String(++ids).padStart(32, '0'),
    now: () => noon,
    sleep: async () => {},
    logger: { error: (_: string, extra: unknown) => failures.push(extra) } as unknown as ServeApiDeps['logger'],
  };
}
