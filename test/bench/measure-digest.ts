import { estimateTokens } from '../../shared/domain/judging/estimate-tokens.ts';
import { fitSections } from '../../shared/domain/judging/material.ts';
import { traceDigest } from '../../shared/domain/judging/reading/digest.ts';
import type { ScorableTrace } from '../../shared/domain/scorable-trace.ts';

/** Tokens of a trace as its spans tell it, and as a judge gets it within a budget. */
export function measureDigest(trace: ScorableTrace, budget: number): { plainTokens: number; digestTokens: number } {
  const texts = trace.spans.flatMap(({ facts }) => [facts.inputs?.text ?? '', facts.outputs?.text ?? '']);
  return {
    plainTokens: texts.reduce((sum, text) => sum + estimateTokens(text), 0),
    digestTokens: fitSections(traceDigest(trace), budget).reduce((sum, { text }) => sum + estimateTokens(text), 0),
  };
}
