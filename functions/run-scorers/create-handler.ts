import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { MessageDelay } from '../../shared/adapters/sqs-message-delay.ts';
import { type DirectAnswer, directCall, toDirectAnswer } from '../../shared/contracts/direct-call.ts';
import { anyEvaluationMessage } from '../../shared/contracts/evaluation-message.ts';
import { type JudgeDirectlyDeps, judgeDirectly, tryDirectly } from '../../shared/domain/assessing/judge-directly.ts';
import type { RunningBackfills } from '../../shared/domain/backfilling/ports.ts';
import { type EvaluateSessionDeps, evaluateSession } from '../../shared/domain/evaluating/evaluate-session.ts';
import { EvaluationBusyError, evaluateTrace } from '../../shared/domain/evaluating/evaluate-trace.ts';
import { type LetGoDeps, letGo } from '../../shared/domain/evaluating/let-go.ts';
import { settleInParallel, takingRoom, takingTurns } from '../../shared/domain/in-parallel.ts';
import type { JudgingMetrics } from '../../shared/domain/judging/judging-metrics.ts';
import { leastToBeginMs, type TimeLimit } from '../../shared/domain/judging/time-limit.ts';
import type { BatchLogger } from '../../shared/runtime/logger.ts';

export type RunScorersDeps = JudgeDirectlyDeps &
  EvaluateSessionDeps &
  LetGoDeps & {
    readonly messages: MessageDelay;
    /** Of the queue of backfills. */
    readonly backfillMessages: MessageDelay;
    readonly backfills: RunningBackfills;
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

/** Of the function's time, for what follows the last answer: assessments, outcomes, bookings, messages that are given back. */
const reserveMs = 15_000;
/** Others took the time: the next function to have some takes what has not begun. */
const notBegunWaitMs = 5_000;
/** Of what another function judges, doubled each time: its lease ends before the receives do. */
const busyWaitMs = 5_000;
/** Receives after which a session is left to the sweep, which asks for it again: a message that comes too often goes to the dead letters. */
const maxReceives = 6;

/** An invocation that somebody waits for: everything but a batch of a queue, which is read as such a call. */
type Direct = Readonly<Record<string, unknown>>;

export interface Handler {
  (event: SQSEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<SQSBatchResponse>;
  (event: Direct, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<DirectAnswer>;
}

/**
 * Judges the traces and sessions of a batch, or what it is invoked with directly. All is done before the function's time is over: its
 * death would take everything that is under way beside what is slow.
 */
export function createHandler(deps: RunScorersDeps): Handler {
  async function handle(event: SQSEvent | Direct, context: Pick<Context, 'getRemainingTimeInMillis'>) {
    const from = deps.now();
    const time = { from, until: from + context.getRemainingTimeInMillis() - reserveMs };
    const bounded = within(time, deps);
    const answer = isBatch(event) ? await judgeBatch(event, { time, deps: bounded }) : await judgeCall(event, bounded);
    await deps.flush();
    deps.metrics.flush();
    return answer;
  }
  return handle as Handler;
}

function isBatch(event: SQSEvent | Direct): event is SQSEvent {
  return 'Records' in event;
}

async function judgeCall(event: Direct, deps: RunScorersDeps): Promise<DirectAnswer> {
  const { requests, until, trial } = directCall.parse(event);
  const options = { until, tracesAtOnce, storedBytesAtOnce, deps };
  if (trial) return toDirectAnswer(await tryDirectly(requests, { ...options, inline: trial.inline }));
  for (const error of await judgeDirectly(requests, options)) deps.logger.error('direct evaluation failed', { error });
  return toDirectAnswer([]);
}

/** One that fails, or is to come back soon, is reported by itself. */
async function judgeBatch(
  { Records }: SQSEvent,
  { time, deps }: { time: TimeLimit; deps: RunScorersDeps },
): Promise<SQSBatchResponse> {
  const batch: Batch = { inTurn: takingTurns(sessionsAtOnce), inRoom: takingRoom(storedBytesAtOnce), time };
  const task = (record: SQSRecord) => evaluate(record, { batch, deps });
  const results = await settleInParallel(Records, { limit: tracesAtOnce, task });
  const batchItemFailures = Records.flatMap(({ messageId }, i) => {
    const result = results[i];
    if (result?.status === 'fulfilled' && result.value === 'done') return [];
    if (result?.status === 'rejected') deps.logger.error('message failed', { messageId, error: result.reason });
    return [{ itemIdentifier: messageId }];
  });
  return { batchItemFailures };
}

/** What the records of one invocation share. */
interface Batch {
  readonly inTurn: ReturnType<typeof takingTurns>;
  readonly inRoom: ReturnType<typeof takingRoom>;
  readonly time: TimeLimit;
}

function within(time: TimeLimit, deps: RunScorersDeps): RunScorersDeps {
  return { ...deps, judging: (rules) => ({ ...deps.judging(rules), time }) };
}

async function evaluate(
  { body, attributes, receiptHandle }: SQSRecord,
  { batch, deps }: { batch: Batch; deps: RunScorersDeps },
): Promise<'done' | 'again'> {
  const request = anyEvaluationMessage.parse(JSON.parse(body));
  const receives = Number(attributes?.ApproximateReceiveCount ?? 1);
  const isTooLate = () => batch.time.until - deps.now() < leastToBeginMs;
  const messages = request.kind === 'trace' && request.backfill ? deps.backfillMessages : deps.messages;
  const again = async (ms: number) => {
    await messages.delay(receiptHandle, ms);
    return 'again' as const;
  };
  if (request.kind === 'session') {
    return batch.inTurn(async () => {
      if (isTooLate()) return receives < maxReceives ? again(notBegunWaitMs) : 'done';
      await evaluateSession(request, deps);
      return 'done';
    });
  }
  if (isTooLate()) return again(notBegunWaitMs);
  const { backfill } = request;
  if (backfill && !(await deps.backfills.isRunning({ ...request, backfillId: backfill.id }))) {
    await letGo(request, deps);
    return 'done';
  }
  try {
    const { retryAfterMs } = await evaluateTrace(request, { receives, inRoom: batch.inRoom, deps });
    return retryAfterMs === undefined ? 'done' : await again(retryAfterMs);
  } catch (error) {
    // Mostly it was tried directly a moment ago, and is still under way there.
    if (backfill && error instanceof EvaluationBusyError && receives <= maxReceives)
      return again(busyWaitMs * 2 ** (receives - 1));
    throw error;
  }
}
