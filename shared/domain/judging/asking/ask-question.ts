import type { Clock } from '../../ports.ts';
import { readDecision } from '../answer/read-verdict.ts';
import type { JudgeError, Question, Verdict } from '../judge.ts';
import {
  ContextTooLongError,
  type JudgeAnswer,
  type JudgeModel,
  JudgeOutOfTimeError,
  JudgeRejectedError,
  JudgeTimeoutError,
  JudgeUnavailableError,
} from '../judge-model.ts';
import { fitSections, type Omission } from '../material.ts';
import { hadItsTime, type TimeLimit } from '../time-limit.ts';
import { Chat } from './chat.ts';
import type { JudgingLimits } from './limits.ts';
import { materialBudget } from './material-budget.ts';
import { type Prompt, questionPrompt } from './prompt.ts';
import { Tally } from './tally.ts';
import { traceTools } from './trace-tools.ts';

export interface AskContext {
  readonly model: JudgeModel;
  /** A fresh random code of at least 16 letters and digits. */
  readonly code: () => string;
  readonly now: Clock;
  readonly limits: JudgingLimits;
  /** What an answer may be reused for: the scorer and its version. */
  readonly scope: string;
  /** When the judgement has to be done; absent: nobody waits for it. */
  readonly time?: TimeLimit | undefined;
  /** When it began, where it has been asked for before, together with others; epoch ms. */
  readonly beganAt?: number | undefined;
}

/** How much of the budget is tried in turn where the model finds the prompt too long though by our count it is not. */
const shrinkings = [1, 0.5, 0.2];

/**
 * Asks a model for one judgement. A useless answer is sent back once with what is wrong with it; what still cannot be used is an error, as is
 * a prompt that the model cannot hold or its provider refuses, or no answer in time. One that began late and was not done is to be asked
 * for again: it was others that took its time.
 * @throws JudgeUnavailableError, JudgeMisconfiguredError: the judgement is to be asked for again later
 */
export async function askQuestion(question: Question, context: AskContext): Promise<Verdict> {
  const tally = new Tally(context);
  const isExploring = question.explore !== undefined;
  const budget = materialBudget(questionPrompt(question, []), { ...context, isExploring });
  for (const share of shrinkings) {
    const sections = fitSections(question.material, Math.floor(budget * share));
    const omissions = sections.flatMap(({ omission }) => omission ?? []);
    try {
      const outcome = await converse(questionPrompt(question, sections), { question, context, tally });
      return { record: tally.record(omissions), ...outcome };
    } catch (error) {
      if (error instanceof JudgeTimeoutError)
        return { record: tally.record(omissions), error: { code: 'JUDGE_TIMEOUT', message: error.message } };
      if (error instanceof JudgeOutOfTimeError) return outOfTime(error, { context, tally, omissions });
      if (error instanceof JudgeRejectedError)
        return { record: tally.record(omissions), error: { code: 'JUDGE_REQUEST_REJECTED', message: error.message } };
      if (!(error instanceof ContextTooLongError)) throw error;
      tally.forgetPrompt();
    }
  }
  const message = `${context.model.uri} finds the prompt too long even when it is cut to a fifth`;
  return { record: tally.record([]), error: { code: 'JUDGE_CONTEXT_TOO_LONG', message } };
}

function outOfTime(
  error: JudgeOutOfTimeError,
  { context, tally, omissions }: { context: AskContext; tally: Tally; omissions: readonly Omission[] },
): Verdict {
  requireItsTime(error, { time: context.time, beganAt: context.beganAt ?? tally.beganAt(error) });
  const record = tally.record(omissions);
  const message = `the judgement was not done after ${Math.round(record.durationMs / 1_000)} s and ${record.calls} answers of ${context.model.uri}`;
  return { record, error: { code: 'JUDGE_TIMEOUT', message } };
}

/** @throws JudgeUnavailableError of a judgement that began too late to be done */
export function requireItsTime(
  error: JudgeOutOfTimeError,
  { time, beganAt }: { time: TimeLimit | undefined; beganAt: number },
): void {
  if (time !== undefined && hadItsTime(time, beganAt)) return;
  throw new JudgeUnavailableError(`others took the time of this judgement: ${error.message}`, {
    reason: 'unavailable',
    cause: error,
  });
}

type Outcome =
  | { readonly decision: Extract<ReturnType<typeof readDecision>, { decision: unknown }>['decision'] }
  | { readonly error: JudgeError; readonly evidence?: string };

async function converse(
  prompt: Prompt,
  { question, context, tally }: { question: Question; context: AskContext; tally: Tally },
): Promise<Outcome> {
  const tools =
    question.explore && traceTools(question.explore, { resultTokens: Math.floor(context.model.contextTokens / 20) });
  const chat = new Chat(prompt, { ...context, parameters: question.parameters ?? {}, tools: tools?.definitions ?? [] });
  let isRepaired = false;
  for (let step = 1; ; step++) {
    const answer = await tally.complete(chat.request());
    if (answer.stop === 'refused')
      return {
        error: { code: 'JUDGE_REFUSED', message: `${context.model.uri} refused to answer` },
        ...evidenceOf(answer),
      };
    if (tools && answer.toolCalls.length > 0) {
      if (step > context.limits.maxSteps) return tooManySteps(context.limits.maxSteps);
      chat.addToolResults(answer, tools.run);
      if (step === context.limits.maxSteps) chat.addNotice('You have no steps left. Answer now, with what you know.');
      continue;
    }
    const read = readDecision(answer.text, question.resultType);
    if ('decision' in read) return read;
    if (isRepaired) return useless(answer, read.problem);
    isRepaired = true;
    chat.addComplaint(answer, read.problem);
  }
}

function tooManySteps(maxSteps: number): Outcome {
  return { error: { code: 'JUDGE_TOO_MANY_STEPS', message: `the judge did not decide within ${maxSteps} steps` } };
}

function useless(answer: JudgeAnswer, problem: string): Outcome {
  const error: JudgeError =
    answer.stop === 'length'
      ? { code: 'JUDGE_ANSWER_CUT_OFF', message: "the judge's answer was cut off twice before it decided" }
      : { code: 'JUDGE_ANSWER_INVALID', message: `the judge's answer cannot be used, twice: ${problem}` };
  return { error, ...evidenceOf(answer) };
}

const maxEvidence = 2_000;

/** What the model wrote, for those who look why. */
function evidenceOf({ text }: JudgeAnswer): { evidence?: string } {
  return text === '' ? {} : { evidence: text.slice(0, maxEvidence) };
}
