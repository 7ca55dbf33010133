import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { isTransient } from '../../shared/adapters/is-transient.ts';
import { type Caller, type GatewayEvent, readCall } from '../../shared/contracts/gateway-call.ts';
import { ApiError, errorStatus } from '../../shared/domain/api-error.ts';
import { InvalidFilterError } from '../../shared/domain/filter/invalid-filter-error.ts';
import type { RequestLimit } from '../../shared/domain/limit-requests.ts';
import type { AnswerStore } from '../../shared/domain/ports.ts';
import type { BatchLogger } from '../../shared/runtime/logger.ts';
import { toRequest } from './request.ts';
import { type Answer, createRouter, type MatchedRoute, type Route } from './router.ts';
import { type AssessRouteDeps, assessRoutes } from './routes/assess.ts';
import { type AssessmentRouteDeps, assessmentRoutes } from './routes/assessments.ts';
import { type AttachmentRouteDeps, attachmentRoutes } from './routes/attachments.ts';
import { type BackfillRouteDeps, backfillRoutes } from './routes/backfills.ts';
import { type BudgetRouteDeps, budgetRoutes } from './routes/budgets.ts';
import type { ExperimentRouteDeps } from './routes/experiments.ts';
import { experimentRoutes } from './routes/experiments.ts';
import { type ExplanationRouteDeps, explanationRoutes } from './routes/explanations.ts';
import { type MetricRouteDeps, metricRoutes } from './routes/metrics.ts';
import type { RunRouteDeps } from './routes/runs.ts';
import { runRoutes } from './routes/runs.ts';
import type { ScorerRouteDeps } from './routes/scorers.ts';
import { scorerRoutes } from './routes/scorers.ts';
import { statusRoutes } from './routes/status.ts';
import { type TraceEditRouteDeps, traceEditRoutes } from './routes/trace-edits.ts';
import { type TraceRouteDeps, traceRoutes } from './routes/traces.ts';

export type ServeApiDeps = TraceRouteDeps &
  TraceEditRouteDeps &
  AttachmentRouteDeps &
  AssessmentRouteDeps &
  ExperimentRouteDeps &
  RunRouteDeps &
  MetricRouteDeps &
  ScorerRouteDeps &
  ExplanationRouteDeps &
  BudgetRouteDeps &
  BackfillRouteDeps &
  AssessRouteDeps & {
    readonly answers: AnswerStore;
    /** Counts one request. */
    readonly isWithinLimit: (limit: RequestLimit) => Promise<boolean>;
    readonly logger: BatchLogger;
  };

/** Lambda answers with 6 MB at most; some of it is the envelope. */
const maxAnswerBytes = 5_500_000;

/** Every route that is served. */
export function apiRoutes(deps: ServeApiDeps): readonly Route[] {
  return [
    ...statusRoutes(),
    ...experimentRoutes(deps),
    ...runRoutes(deps),
    ...traceRoutes(deps),
    ...traceEditRoutes(deps),
    ...attachmentRoutes(deps),
    ...assessmentRoutes(deps),
    ...metricRoutes(deps),
    ...scorerRoutes(deps),
    ...explanationRoutes(deps),
    ...budgetRoutes(deps),
    ...backfillRoutes(deps),
    ...assessRoutes(deps),
  ];
}

/** MLflow's REST API, as much of it as is served. */
export function createHandler(deps: ServeApiDeps): (event: GatewayEvent) => Promise<APIGatewayProxyStructuredResultV2> {
  const findRoute = createRouter(apiRoutes(deps));
  return async (event) => {
    try {
      const { method } = event.requestContext.http;
      const { path, caller } = readCall(event);
      const matched = findRoute(method, path);
      await authorize(caller, { matched, deps });
      if (!matched) throw new ApiError('ENDPOINT_NOT_FOUND', `${method} ${path} is not served here`);
      const answer = await matched.route.handle(toRequest(event, { path, parameters: matched.parameters, caller }));
      return await toResult(answer, { method, answers: deps.answers });
    } catch (error) {
      return toErrorResult(error, deps.logger);
    }
  };
}

/** A route that is not there is told only to those who have a key. */
async function authorize(
  caller: Caller | undefined,
  { matched, deps }: { matched: MatchedRoute | undefined; deps: ServeApiDeps },
): Promise<void> {
  if (matched && matched.route.roles === undefined) return;
  if (!caller) {
    throw new ApiError(
      'UNAUTHENTICATED',
      'the API key is unknown or revoked: send a valid one as "authorization: Bearer <key>"',
    );
  }
  if (caller.limit) await requireWithinLimit(caller.limit, deps);
  if (matched?.route.roles && !matched.route.roles.includes(caller.role)) {
    const needed = matched.route.roles.join(' or ');
    throw new ApiError('PERMISSION_DENIED', `a key of role ${caller.role} cannot do this: use one of role ${needed}`);
  }
}

async function requireWithinLimit(limit: RequestLimit, { isWithinLimit, logger }: ServeApiDeps): Promise<void> {
  const isWithin = await isWithinLimit(limit).catch((error: unknown) => {
    // What cannot be counted is not served, in the only words by which every client asks again.
    logger.error('request not counted', { error });
    throw new ApiError('REQUEST_LIMIT_EXCEEDED', 'the request could not be counted just now: send it again');
  });
  if (isWithin) return;
  throw new ApiError('REQUEST_LIMIT_EXCEEDED', `the API key is limited to ${limit.perSecond} requests a second`);
}

async function toResult(
  answer: Answer,
  { method, answers }: { method: string; answers: AnswerStore },
): Promise<APIGatewayProxyStructuredResultV2> {
  if ('text' in answer) return { statusCode: 200, headers: { 'content-type': 'text/plain' }, body: answer.text };
  if ('redirect' in answer) return redirect(answer.redirect, method);
  const body = JSON.stringify(answer.json);
  if (Buffer.byteLength(body) <= maxAnswerBytes)
    return { statusCode: answer.status ?? 200, headers: { 'content-type': 'application/json' }, body };
  return redirect(await answers.put(body), method);
}

/** 307 keeps the method and 303 turns it into GET (RFC 9110, 15.4), which is what the URL is signed for. */
function redirect(location: string, method: string): APIGatewayProxyStructuredResultV2 {
  return { statusCode: method === 'GET' ? 307 : 303, headers: { location }, body: '' };
}

function toErrorResult(error: unknown, logger: BatchLogger): APIGatewayProxyStructuredResultV2 {
  if (error instanceof InvalidFilterError) return failure(400, 'INVALID_PARAMETER_VALUE', error.message);
  if (error instanceof ApiError) return failure(errorStatus[error.code], error.code, error.message);
  logger.error('request failed', { error });
  // The only status on which every client tries again; what it had begun, it repeats without harm.
  if (isTransient(error))
    return failure(429, 'REQUEST_LIMIT_EXCEEDED', 'the request could not be served just now: send it again');
  return failure(
    500,
    'INTERNAL_ERROR',
    'the request failed on our side: its id is in the response, the reason in the log of serve-api',
  );
}

function failure(statusCode: number, code: string, message: string): APIGatewayProxyStructuredResultV2 {
  const headers = { 'content-type': 'application/json', ...(statusCode === 429 && { 'retry-after': '1' }) };
  return { statusCode, headers, body: JSON.stringify({ error_code: code, message }) };
}
