import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { evaluationMessage } from '../../shared/contracts/evaluation-message.ts';
import { type EvaluateTraceDeps, evaluateTrace } from '../../shared/domain/evaluating/evaluate-trace.ts';
import { settleInParallel } from '../../shared/domain/in-parallel.ts';
import type { BatchLogger } from '../../shared/runtime/logger.ts';

export interface RunScorersDeps extends EvaluateTraceDeps {
  readonly logger: BatchLogger;
}

const tracesAtOnce = 5;

/** Judges the traces of a batch; one that fails is reported by itself. */
export function createHandler(deps: RunScorersDeps): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const task = async ({ body }: { body: string }) => evaluateTrace(evaluationMessage.parse(JSON.parse(body)), deps);
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
