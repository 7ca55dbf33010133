import type { JudgeRequest } from './judge-model.ts';

/** The time in which judges have to be done: that of an invocation without what it takes to keep what they found. Epoch ms. */
export interface TimeLimit {
  readonly from: number;
  readonly until: number;
  /** With less time left nothing is begun; absent: `leastToBeginMs`. */
  readonly leastToBeginMs?: number;
}

/** With less time left nothing is begun: what is broken off is paid in vain. Two thirds of what a model has for an answer by default. */
export const leastToBeginMs = 40_000;

/** Whether a request has no chance of an answer any more. A conversation that is under way goes on to the end. */
export function isTooLate(
  {
    until,
    leastToBeginMs: least = leastToBeginMs,
    messages,
  }: Pick<JudgeRequest, 'until' | 'leastToBeginMs' | 'messages'>,
  now: number,
): boolean {
  if (until === undefined) return false;
  return messages.length === 1 ? until - now < least : until <= now;
}

/** Of the time that there is; who had it would hardly do better with all of it. */
const enough = 0.75;

/** Whether a judgement that began then took too long itself. One that began later was kept from it by others. */
export function hadItsTime({ from, until }: TimeLimit, beganAt: number): boolean {
  return until - beganAt >= enough * (until - from);
}
