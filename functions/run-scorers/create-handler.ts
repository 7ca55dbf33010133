import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { anyEvaluationMessage } from '../../shared/contracts/evaluation-message.ts';
import { type EvaluateSessionDeps, evaluateSession } from '../../shared/domain/evaluating/evaluate-session.ts';
import { type EvaluateTraceDeps, evaluateTrace } from '../../shared/domain/evaluating/evaluate-trace.ts';
import { settleInParallel } from '../../shared/domain/in-parallel.ts';
import type { BatchLogger } from '../../shared/runtime/logger.ts';

export type RunScorersDeps = EvaluateTraceDeps & EvaluateSessionDeps & { readonly logger: BatchLogger };

const tracesAtOnce = 5;

/** Judges the traces of a batch; one that fails is reported by itself. */
export function createHandler(deps: RunScorersDeps): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const task = async ({ body }: { body: string }) => {
      const request = anyEvaluationMessage.parse(JSON.parse(body));
      return request.kind === 'session' ? evaluateSession(request, deps) : evaluateTrace(request, deps);
    };
    const results = await settleInParallel(Records, { limit: tracesAtOnce, task });
    const batchItemFailures = Records.flatMap(({ messageId }, i) => {
      const result = results[i];
      if (result?.status !== 'rejected') return [];
      deps.logger.error('message failed', { messageId, error: result.reason });
      return [{ itemIdentifier: messageId }];
    });
    return { batchItemFailures };
  };
}
