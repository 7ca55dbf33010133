import { estimateTokens } from '../estimate-tokens.ts';
import type { JudgeModel } from '../judge-model.ts';
import type { JudgingLimits } from './limits.ts';
import { overheadTexts, type Prompt } from './prompt.ts';

/** Of the model's context, for what our count of tokens misses. */
const reserve = 0.1;
/** Two answers and what is said of the first one. */
const answersHeld = 3;
/** Delimiters, notes of what is left out, the announcement of the code. */
const wrapping = 500;

/** Tokens that are left for material beside all else in the prompt. */
export function materialBudget(
  prompt: Prompt,
  { model, limits, isExploring = false }: { model: JudgeModel; limits: JudgingLimits; isExploring?: boolean },
): number {
  const taken = estimateTokens(overheadTexts(prompt)) + answersHeld * limits.answerTokens + wrapping;
  const room = Math.floor(model.contextTokens * (1 - reserve)) - taken;
  return Math.max(0, Math.min(limits.materialTokens, isExploring ? Math.floor(room / 2) : room));
}
