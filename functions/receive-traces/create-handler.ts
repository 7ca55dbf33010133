import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type Caller, type GatewayEvent, readCall } from '../../shared/contracts/gateway-call.ts';
import { errorStatus, exportResponse, type OtlpReply } from '../../shared/contracts/otlp/export-response.ts';
import { checkBody } from '../../shared/contracts/otlp-request/check-body.ts';
import { decideExperiment } from '../../shared/contracts/otlp-request/decide-experiment.ts';
import { decideByTable } from '../../shared/contracts/otlp-request/decide-table.ts';
import { type HandOverDeps, handOver } from '../../shared/contracts/otlp-request/hand-over.ts';
import type { KnownTables } from '../../shared/contracts/otlp-request/known-tables.ts';
import { replyFormat, requireEncoding, requireFormat } from '../../shared/contracts/otlp-request/negotiate-content.ts';
import { RefusedRequest } from '../../shared/contracts/otlp-request/refused-request.ts';
import type { Experiment } from '../../shared/domain/experiment.ts';
import type { RequestLimit } from '../../shared/domain/limit-requests.ts';
import type { Clock } from '../../shared/domain/ports.ts';
import type { BatchLogger } from '../../shared/runtime/logger.ts';
import type { Counter } from '../../shared/runtime/metrics.ts';

export interface ReceiveTracesDeps extends HandOverDeps {
  /** Whether an experiment is active or deleted; undefined: there is none. */
  readonly stageOf: (experimentId: string) => Promise<Experiment['lifecycleStage'] | undefined>;
  readonly tables: KnownTables;
  /** Counts one request. */
  readonly isWithinLimit: (limit: RequestLimit) => Promise<boolean>;
  readonly now: Clock;
  readonly logger: BatchLogger;
  readonly counter: Counter;
}

/** Where Databricks' exporters send to: a table names the experiment. */
const tableRoute = '/api/2.0/otel/v1/traces';

/** OTLP/HTTP: `POST /v1/traces`, and the route of Databricks' exporters. Replies in the request's content type; 200 means that what was accepted is in the queue. */
export function createHandler(
  deps: ReceiveTracesDeps,
): (event: GatewayEvent) => Promise<APIGatewayProxyStructuredResultV2> {
  return async (event) => {
    const format = replyFormat(event.headers);
    try {
      return toResult(200, exportResponse(format, await receive(event, deps)));
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error;
      const { status, grpcCode: code, message, headers } = error;
      return toResult(status, errorStatus(format, { code, message }), headers);
    }
  };
}

async function receive(event: GatewayEvent, deps: ReceiveTracesDeps) {
  const { headers } = event;
  const { path, caller } = readCall(event);
  requireRoute(path, event.requestContext.http.method);
  await requireWithinLimit(caller, deps);
  const experimentId = await experimentFor({ path, headers, caller }, deps);
  const [format, encoding] = [requireFormat(headers), requireEncoding(headers)];
  await requireActive(experimentId, deps);
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const { spanCount, refused } = checkBody(bytes, { format, encoding });
  if (refused.length > 0) deps.counter.count('SpansRefused', refused.length);
  if (spanCount > 0) {
    const base64 = event.isBase64Encoded ? event.body : undefined;
    await orUnavailable(handOver({ bytes, base64, encoding, format, experimentId }, deps.now(), deps), deps);
  }
  return refused;
}

function requireRoute(path: string, method: string): void {
  if (!path.endsWith('/v1/traces')) {
    throw new RefusedRequest(404, `${path} is not served: only traces are, by POST to /v1/traces`);
  }
  if (method !== 'POST')
    throw new RefusedRequest(405, `${method} is not possible: POST traces here`, { headers: { allow: 'POST' } });
}

async function requireWithinLimit(caller: Caller | undefined, deps: ReceiveTracesDeps): Promise<void> {
  if (!caller?.limit || (await orUnavailable(deps.isWithinLimit(caller.limit), deps))) return;
  throw new RefusedRequest(429, `the API key is limited to ${caller.limit.perSecond} requests a second`, {
    headers: { 'retry-after': '1' },
  });
}

interface Asked {
  readonly path: string;
  readonly headers: GatewayEvent['headers'];
  readonly caller: Caller | undefined;
}

async function experimentFor({ path, headers, caller }: Asked, deps: ReceiveTracesDeps): Promise<string> {
  if (path !== tableRoute) return decideExperiment(headers, caller);
  return orUnavailable(decideByTable(headers, caller, deps.tables), deps);
}

/** A deleted experiment takes nothing in: what it took would be seen by nobody. What was accepted before is kept. */
async function requireActive(experimentId: string, deps: ReceiveTracesDeps): Promise<void> {
  const stage = await orUnavailable(deps.stageOf(experimentId), deps);
  if (stage === 'active') return;
  throw new RefusedRequest(
    404,
    stage === 'deleted'
      ? `experiment ${experimentId} is deleted: restore it, or send to another one`
      : `experiment ${experimentId} does not exist: create it, or send to another one`,
  );
}

/** Whatever keeps AWS from taking the request, the caller still has it and may send it again: OTLP exporters repeat a 503, not a 500. */
async function orUnavailable<T>(call: Promise<T>, { logger, counter }: ReceiveTracesDeps): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof RefusedRequest) throw error;
    logger.error('request not accepted', { error });
    counter.count('RequestsUnavailable', 1);
    throw new RefusedRequest(503, 'the request could not be accepted just now: send it again', {
      headers: { 'retry-after': '5' },
      cause: error,
    });
  }
}

function toResult(
  statusCode: number,
  reply: OtlpReply,
  headers: Readonly<Record<string, string>> = {},
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': reply.contentType, ...headers },
    body: Buffer.from(reply.body).toString('base64'),
    isBase64Encoded: true,
  };
}
