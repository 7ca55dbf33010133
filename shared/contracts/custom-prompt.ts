import * as z from 'zod';
import { createJudge } from '../domain/judging/create-judge.ts';
import type { JudgeDefinition } from '../domain/judging/definition.ts';
import { parsedAs } from './parsed-as.ts';

const customPrompt = z.strictObject({
  prompt_template: z.string().min(1),
  numeric_values: z.record(z.string(), z.number()).nullish(),
  model: z.string().nullish(),
});

/**
 * Parses `assay_custom_prompt`: `{"prompt_template": "Is {{ response }} [[polite]] or [[rude]]?", "numeric_values": {"polite": 1, "rude": 0}}`.
 * @throws InvalidJudgeError
 */
export function parseCustomPrompt(name: string, value: unknown): JudgeDefinition {
  const { prompt_template: template, numeric_values, model } = parsedAs(customPrompt, value, 'assay_custom_prompt');
  const definition = {
    name,
    kind: 'custom-prompt',
    template,
    ...(numeric_values && { numericValues: numeric_values }),
    ...(model && { model }),
  } as const;
  // Choices that are missing, or numbers for others, are told to whoever registers it.
  createJudge(definition);
  return definition;
}
