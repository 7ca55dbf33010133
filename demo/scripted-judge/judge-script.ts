import { sectionsIn } from '../../test/support/judging/a-judge-model.ts';
import type { Asked, Script, Scripted } from '../../test/support/model-server/script.ts';
import { between, chanceAt } from '../chance.ts';
import { type JudgeRole, judgeRoles, type Opinion } from './opinions.ts';

/** A call as its provider would count it. */
export interface JudgeCall {
  /** Of the judge that asked. */
  readonly task: string;
  readonly status: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Of all different questions: the first call fails, a later one of the same question is answered. */
const failingQuestions = 0.1;

/**
 * Answers judges by their task and by the material they show. Delays and failures follow from the seed and the question, not from the order
 * of calls. Every call is told to `onCall`.
 */
export function judgeScript(seed: string, onCall: (call: JudgeCall) => void): Script {
  const hasFailed = new Set<string>();
  return (asked) => {
    const role = judgeRoles.find(({ task }) => asked.system.includes(task));
    const { request, answer } = materialOf(asked.text);
    if (role === undefined || answer === undefined)
      return { fails: { status: 400, message: 'the script has no opinion on what it is asked' } };
    const question = [role.task, request, answer] as const;
    const delayMs = between(40, 160, chanceAt(seed, ...question, 'delay'));
    const chance = chanceAt(seed, ...question, 'failure');
    const key = JSON.stringify(question);
    if (chance >= failingQuestions || hasFailed.has(key))
      return { delayMs, ...answered(role, { asked, answer, onCall }) };
    hasFailed.add(key);
    const status = chance < failingQuestions / 2 ? 429 : 503;
    onCall({ task: role.task, status, inputTokens: 0, outputTokens: 0 });
    return { delayMs, fails: { status } };
  };
}

function answered(
  { task, opinionOf }: JudgeRole,
  { asked, answer, onCall }: { asked: Asked; answer: string; onCall: (call: JudgeCall) => void },
): Scripted {
  const { result, rationale }: Opinion = opinionOf(answer);
  const verdict = { rationale, result };
  const usage = { input: countTokens(asked.body), output: countTokens(verdict) };
  onCall({ task, status: 200, inputTokens: usage.input, outputTokens: usage.output });
  return { verdict, usage };
}

/** Request and answer from their sections, whichever names they have. */
function materialOf(text: string): { request: string; answer: string | undefined } {
  const sections = sectionsIn(text);
  return {
    request: sections.get('request') ?? sections.get('inputs') ?? '',
    answer: sections.get('answer') ?? sections.get('outputs'),
  };
}

/** Four characters a token, the usual rule of thumb for English. */
function countTokens(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / 4);
}
