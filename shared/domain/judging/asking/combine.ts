import { isRecord } from '../../json-value.ts';
import { readJsonObject } from '../answer/read-json.ts';
import { type Decision, readDecisionObject } from '../answer/read-verdict.ts';
import type { JudgementRecord, Question, Verdict } from '../judge.ts';
import {
  ContextTooLongError,
  type JudgeModel,
  JudgeOutOfTimeError,
  JudgeRejectedError,
  JudgeTimeoutError,
} from '../judge-model.ts';
import { fitSections, type Section } from '../material.ts';
import { type AskContext, askQuestion, requireItsTime } from './ask-question.ts';
import { Chat } from './chat.ts';
import { materialBudget } from './material-budget.ts';
import { combinedPrompt, taskField } from './prompt.ts';
import { Tally } from './tally.ts';

/** Tasks in one call: beyond a handful models mix them up, and one bad answer costs more. */
export const maxCombined = 8;

/** A question, who pays for it, and what an answer to it may be reused for. */
export interface ScopedQuestion {
  readonly question: Question;
  /** Its name. */
  readonly scorer: string;
  readonly scope: string;
}

/** One that explores, or sets parameters of its own, is asked by itself. */
export function canCombine({ explore, parameters }: Question): boolean {
  return explore === undefined && parameters === undefined;
}

interface CombineContext extends Omit<AskContext, 'scope' | 'model'> {
  /** The model, called for these questions: whose they are pays. */
  readonly modelFor: (questions: readonly ScopedQuestion[]) => JudgeModel;
}

/**
 * Asks for several judgements in one call, each of which is checked by itself: one that is missing or cannot be used is asked for alone,
 * as are all of them where the call as a whole brings nothing.
 * @throws JudgeUnavailableError, JudgeMisconfiguredError
 */
export async function askCombined(
  scoped: readonly ScopedQuestion[],
  { modelFor, ...others }: CombineContext,
): Promise<readonly Verdict[]> {
  const context = { ...others, model: modelFor(scoped) };
  const { questions, sections } = sharedMaterial(scoped.map(({ question }) => question));
  const tally = new Tally(context);
  const limits = { ...context.limits, answerTokens: context.limits.answerTokens * questions.length };
  const budget = materialBudget(combinedPrompt(questions, []), { ...context, limits });
  const fitted = fitSections(sections, budget);
  const scope = scoped.map((one) => one.scope).join('\n');
  const chat = new Chat(combinedPrompt(questions, fitted), { ...context, limits, scope, parameters: {}, tools: [] });
  const decisions = await decide(chat, { questions, tally, time: context.time });
  const omissions = fitted.flatMap(({ omission }) => omission ?? []);
  return Promise.all(
    scoped.map(async (one, i) => {
      const record = { ...shareOf(tally.record(omissions), { position: i, of: questions.length }) };
      const decision = decisions[i];
      if (decision) return { record, decision };
      const verdict = await askQuestion(one.question, {
        ...context,
        model: modelFor([one]),
        scope: one.scope,
        beganAt: tally.startedAt,
      });
      return { ...verdict, record: sumOf(verdict.record, record) };
    }),
  );
}

async function decide(
  chat: Chat,
  { questions, tally, time }: { questions: readonly Question[]; tally: Tally; time: AskContext['time'] },
): Promise<readonly (Decision | undefined)[]> {
  try {
    const { text, stop } = await tally.complete(chat.request());
    return stop === 'refused' ? [] : splitAnswer(text, questions);
  } catch (error) {
    if (error instanceof JudgeOutOfTimeError) {
      requireItsTime(error, { time, beganAt: tally.beganAt(error) });
      return [];
    }
    const isOfThisCall = [ContextTooLongError, JudgeRejectedError, JudgeTimeoutError].some((of) => error instanceof of);
    if (isOfThisCall) return [];
    throw error;
  }
}

/** The decision of each task in a combined answer; undefined for those that have none that can be used. */
function splitAnswer(text: string, questions: readonly Question[]): readonly (Decision | undefined)[] {
  const answer = readJsonObject(text, (object) => taskField(0) in object) ?? {};
  return questions.map(({ resultType }, i) => {
    const part = answer[taskField(i)];
    if (!isRecord(part)) return undefined;
    const read = readDecisionObject(part, resultType);
    return 'decision' in read ? read.decision : undefined;
  });
}

/** All sections once. Those that differ and have the same title are told apart, also in the questions. */
function sharedMaterial(questions: readonly Question[]): {
  questions: readonly Question[];
  sections: readonly Section[];
} {
  const byContent = new Map<string, Section>();
  const titles = new Map<string, number>();
  const renamed = questions.map((question) => ({
    ...question,
    material: question.material.map((section) => {
      const content = JSON.stringify(section);
      const known = byContent.get(content);
      if (known) return known;
      const count = (titles.get(section.title) ?? 0) + 1;
      titles.set(section.title, count);
      const added = count === 1 ? section : { ...section, title: `${section.title} ${count}` };
      byContent.set(content, added);
      return added;
    }),
  }));
  return { questions: renamed.map(withTitles), sections: [...byContent.values()] };

  /** A task speaks of its sections by their titles. */
  function withTitles(question: Question, i: number): Question {
    const task = questions[i]?.material.reduce((text, { title }, j) => {
      const now = question.material[j]?.title ?? title;
      return now === title ? text : text.replaceAll(`"${title}"`, `"${now}"`);
    }, question.task);
    return { ...question, task: task ?? question.task };
  }
}

/** What one of several questions has to bear of a call that they share. */
function shareOf(record: JudgementRecord, { position, of }: { position: number; of: number }): JudgementRecord {
  const share = (total: number) => Math.floor(total / of) + (position < total % of ? 1 : 0);
  return {
    ...record,
    inputTokens: share(record.inputTokens),
    outputTokens: share(record.outputTokens),
    cacheReadTokens: share(record.cacheReadTokens),
    cacheWriteTokens: share(record.cacheWriteTokens),
    combinedWith: of,
  };
}

/** The last prompt is the one that decided; what was paid before it counts too. */
function sumOf(last: JudgementRecord, first: JudgementRecord): JudgementRecord {
  return {
    ...last,
    calls: last.calls + first.calls,
    cachedCalls: last.cachedCalls + first.cachedCalls,
    inputTokens: last.inputTokens + first.inputTokens,
    outputTokens: last.outputTokens + first.outputTokens,
    cacheReadTokens: last.cacheReadTokens + first.cacheReadTokens,
    cacheWriteTokens: last.cacheWriteTokens + first.cacheWriteTokens,
    durationMs: last.durationMs + first.durationMs,
  };
}
