import type { Clock } from '../../ports.ts';
import type { JudgementRecord } from '../judge.ts';
import { type JudgeAnswer, type JudgeModel, JudgeOutOfTimeError, type JudgeRequest } from '../judge-model.ts';
import type { Omission } from '../material.ts';
import type { TimeLimit } from '../time-limit.ts';

export interface TallyOptions {
  readonly model: JudgeModel;
  readonly now: Clock;
  readonly time?: TimeLimit | undefined;
}

/** Counts what the calls of one judgement took. */
export class Tally {
  readonly startedAt: number;
  private readonly time: TimeLimit | undefined;
  private readonly model: JudgeModel;
  private readonly now: Clock;
  private promptHash = '';
  private calls = 0;
  private cachedCalls = 0;
  private inputTokens = 0;
  private outputTokens = 0;
  private cacheReadTokens = 0;
  private cacheWriteTokens = 0;

  constructor({ model, now, time }: TallyOptions) {
    this.model = model;
    this.now = now;
    this.time = time;
    this.startedAt = now();
  }

  /**
   * Calls the model while there is time; what the call took counts also where its answer turns out to be of no use. An answer that was there
   * already took nothing.
   */
  async complete(request: JudgeRequest): Promise<JudgeAnswer> {
    if (this.promptHash === '') this.promptHash = request.hash;
    const answer = await this.model.complete(this.bounded(request));
    this.calls++;
    if (answer.cached) {
      this.cachedCalls++;
      return answer;
    }
    this.inputTokens += answer.usage.inputTokens;
    this.outputTokens += answer.usage.outputTokens;
    this.cacheReadTokens += answer.usage.cacheReadTokens ?? 0;
    this.cacheWriteTokens += answer.usage.cacheWriteTokens ?? 0;
    return answer;
  }

  private bounded(request: JudgeRequest): JudgeRequest {
    if (this.time === undefined) return request;
    const { until, leastToBeginMs } = this.time;
    const beganAt = this.now();
    if (beganAt >= until) throw new JudgeOutOfTimeError(`no time is left to ask ${this.model.uri}`, { beganAt });
    return { ...request, until, ...(leastToBeginMs !== undefined && { leastToBeginMs }) };
  }

  /** A prompt that was too long is not the one that was judged by. */
  forgetPrompt(): void {
    this.promptHash = '';
  }

  /** When the judgement began that ran out of time: where its first call did, with that call, which may have waited for its turn. */
  beganAt(error: JudgeOutOfTimeError): number {
    return this.calls === 0 ? error.beganAt : this.startedAt;
  }

  record(omissions: readonly Omission[]): JudgementRecord {
    const { promptHash, calls, cachedCalls, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = this;
    return {
      model: this.model.uri,
      promptHash,
      calls,
      cachedCalls,
      inputTokens,
      outputTokens,
      cacheReadTokens,
      cacheWriteTokens,
      durationMs: Math.max(0, this.now() - this.startedAt),
      omissions,
      combinedWith: 1,
    };
  }
}
