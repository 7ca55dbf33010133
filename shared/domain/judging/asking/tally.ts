import type { Clock } from '../../ports.ts';
import type { JudgementRecord } from '../judge.ts';
import type { JudgeAnswer, JudgeModel, JudgeRequest } from '../judge-model.ts';
import type { Omission } from '../material.ts';

/** Counts what the calls of one judgement took. */
export class Tally {
  private readonly startedAt: number;
  private readonly model: JudgeModel;
  private readonly now: Clock;
  private promptHash = '';
  private calls = 0;
  private cachedCalls = 0;
  private inputTokens = 0;
  private outputTokens = 0;
  private cacheReadTokens = 0;
  private cacheWriteTokens = 0;

  constructor(model: JudgeModel, now: Clock) {
    this.model = model;
    this.now = now;
    this.startedAt = now();
  }

  /** Calls the model; what the call took counts also where its answer turns out to be of no use. An answer that was there already took nothing. */
  async complete(request: JudgeRequest): Promise<JudgeAnswer> {
    if (this.promptHash === '') this.promptHash = request.hash;
    const answer = await this.model.complete(request);
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

  /** A prompt that was too long is not the one that was judged by. */
  forgetPrompt(): void {
    this.promptHash = '';
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
