import type { LambdaClient } from '@aws-sdk/client-lambda';
import { directCallText, fromDirectAnswer } from '../contracts/direct-call.ts';
import { ApiError } from '../domain/api-error.ts';
import type { DirectJudging } from '../domain/assessing/ports.ts';
import type { Clock } from '../domain/ports.ts';

export interface DirectJudgingOptions {
  readonly functionName: string;
  readonly now: Clock;
  /** That something was left to the lane of backfills. */
  readonly report: (error: unknown) => void;
}

/** For what follows the end of the time: the answer that says what was done. */
const answerMs = 2_500;

/** The function that judges, invoked for its answer. Who goes away does not end it: Lambda lets it finish. */
export function lambdaDirectJudging(
  makeClient: () => Promise<LambdaClient>,
  { functionName, now, report }: DirectJudgingOptions,
): DirectJudging {
  let client: Promise<LambdaClient> | undefined;

  /** The answer; undefined where there was none in time. */
  async function invoke(payload: string, until: number): Promise<string | undefined> {
    const { InvokeCommand } = await import('@aws-sdk/client-lambda');
    client ??= makeClient();
    const abortSignal = AbortSignal.timeout(Math.max(1, until - now()));
    const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(payload) });
    try {
      const { FunctionError, Payload = new Uint8Array() } = await (await client).send(command, { abortSignal });
      const answer = Buffer.from(Payload).toString('utf8');
      if (FunctionError === undefined) return answer;
      throw new Error(`${functionName} failed: ${answer.slice(0, 1_000)}`);
    } catch (error) {
      if (abortSignal.aborted) return undefined;
      throw error;
    }
  }

  return {
    async judge(requests, { until }) {
      // What it has not done the lane does: nothing is lost by whatever goes wrong here.
      await invoke(directCallText(requests, { until }), until).catch(report);
    },

    async tryOut(requests, { until, inline }) {
      const answer = await invoke(directCallText(requests, { until, inline }), until + answerMs);
      if (answer !== undefined) return fromDirectAnswer(answer);
      throw new ApiError('REQUEST_LIMIT_EXCEEDED', 'the scorers could not be run just now: send the request again');
    },
  };
}
