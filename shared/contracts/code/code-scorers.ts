import type { CodeDefinition } from '../../domain/code/code-definition.ts';
import { codeErrors, type RunCode } from '../../domain/code/run-code.ts';
import type { ScorableTrace } from '../../domain/scorable-trace.ts';
import type { Scorer, ScorerResult } from '../../domain/scorer.ts';
import { codeInput, tooLarge } from './code-input.ts';
import { failure, parseCodeResults } from './code-results.ts';

/** A scorer that runs a user's code. */
export function createCodeScorer(definition: CodeDefinition, run: RunCode): Scorer {
  return { sourceType: 'CODE', score: (trace) => score(trace, { definition, run }) };
}

async function score(
  trace: ScorableTrace,
  { definition, run }: { definition: CodeDefinition; run: RunCode },
): Promise<readonly ScorerResult[]> {
  const input = codeInput(trace);
  const excess = tooLarge(input);
  if (excess !== undefined) return [failure(codeErrors.inputTooLarge, excess)];
  const answer = await run(definition, input);
  if ('error' in answer) return [{ value: null, error: answer.error }];
  return parseCodeResults(answer.returned, new Set(trace.spans.map(({ span }) => span.spanId)));
}
