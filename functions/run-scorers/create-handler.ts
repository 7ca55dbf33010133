import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { MessageDelay } from '../../shared/adapters/sqs-message-delay.ts';
import { anyEvaluationMessage } from '../../shared/contracts/evaluation-message.ts';
import { type EvaluateSessionDeps, evaluateSession } from '../../shared/domain/evaluating/evaluate-session.ts';
import { type EvaluateTraceDeps, evaluateTrace } from '../../shared/domain/evaluating/evaluate-trace.ts';
import { settleInParallel, takingRoom, takingTurns } from '../../shared/domain/in-parallel.ts';
import type { JudgingMetrics } from '../../shared/domain/judging/judging-metrics.ts';
import type { BatchLogger } from '../../shared/runtime/logger.ts';

export type RunScorersDeps = EvaluateTraceDeps &
  EvaluateSessionDeps & {
    readonly messages: MessageDelay;
    /** Books what judges have cost. */
    readonly flush: () => Promise<void>;
    readonly metrics: JudgingMetrics;
    readonly logger: BatchLogger;
  };

/** Judges wait for their models side by side: the bill counts the time of the batch, not that of each. */
const tracesAtOnce = 50;
/**
 * Bytes of spans of the traces that are judged at once, as they are stored: compressed, to a tenth or a twentieth where a history is repeated.
 * Decoded they take a few times what they had before. 50 traces of 200 KB are one.
 */
const storedBytesAtOnce = 4 * 1024 * 1024;
/** Each may take up to 24 MiB of spans, which are a few times as much when they are decoded. */
const sessionsAtOnce = 4;

/** Judges the traces and sessions of a batch; one that fails, or is to come back soon, is reported by itself. */
export function createHandler(deps: RunScorersDeps): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const inTurn = takingTurns(sessionsAtOnce);
    const inRoom = takingRoom(storedBytesAtOnce);
    const task = (record: SQSRecord) => evaluate(record, { inTurn, inRoom, deps });
    const results = await settleInParallel(Records, { limit: tracesAtOnce, task });
    await deps.flush();
    deps.metrics.flush();
    const batchItemFailures = Records.flatMap(({ messageId }, i) => {
      const result = results[i];
      if (result?.status === 'fulfilled' && result.value === 'done') return [];
      if (result?.status === 'rejected') deps.logger.error('message failed', { messageId, error: result.reason });
      return [{ itemIdentifier: messageId }];
    });
    return { batchItemFailures };
  };
}

async function evaluate(
  { body, attributes, receiptHandle }: SQSRecord,
  {
    inTurn,
    inRoom,
    deps,
  }: { inTurn: ReturnType<typeof takingTurns>; inRoom: ReturnType<typeof takingRoom>; deps: RunScorersDeps },
): Promise<'done' | 'again'> {
  const request = anyEvaluationMessage.parse(JSON.parse(body));
  if (request.kind === 'session') {
    await inTurn(() => evaluateSession(request, deps));
    return 'done';
  }
  const receives = Number(attributes?.ApproximateReceiveCount ?? 1);
  const { retryAfterMs } = await evaluateTrace(request, { receives, inRoom, deps });
  if (retryAfterMs === undefined) return 'done';
  await deps.messages.delay(receiptHandle, retryAfterMs);
  return 'again';
}
