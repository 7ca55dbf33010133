import * as z from 'zod';
import type { NamedDefinition, Trial } from '../domain/assessing/ports.ts';
import type { Assessment } from '../domain/assessment.ts';
import type { EvaluationRequest } from '../domain/evaluation.ts';
import { evaluationMessage, toEvaluationMessage } from './evaluation-message.ts';

/** Lambda answers with 6 MB at most. */
const maxAnswerBytes = 5_500_000;

/**
 * What `run-scorers` is invoked with directly, beside the batches of its queues: the same requests. With `trial` nothing that is found
 * is kept; the answer has it.
 */
export const directCall = z.object({
  v: z.literal(1),
  kind: z.literal('direct'),
  /** When whoever asks does not wait any longer, epoch ms. */
  until: z.number(),
  requests: z.array(evaluationMessage),
  trial: z
    .object({ inline: z.array(z.object({ name: z.string(), shownAs: z.string(), serialized: z.string() })) })
    .optional(),
});

export function directCallText(
  requests: readonly EvaluationRequest[],
  { until, inline }: { until: number; inline?: readonly NamedDefinition[] },
): string {
  const messages = requests.map(toEvaluationMessage);
  return JSON.stringify({ v: 1, kind: 'direct', until, requests: messages, ...(inline && { trial: { inline } }) });
}

const directAnswer = z.object({
  v: z.literal(1),
  trials: z.array(
    z.object({
      traceId: z.string(),
      scorerName: z.string(),
      scorerVersion: z.number(),
      state: z.enum(['judged', 'failed', 'held', 'not-judged']),
      reason: z.string().optional(),
      // Written by the same version of Assay a moment ago.
      assessments: z.array(z.custom<Assessment>()),
      usd: z.number(),
      tokens: z.number(),
    }),
  ),
});

export type DirectAnswer = z.input<typeof directAnswer>;

/** What does not fit into an answer is left out, which is said: it was found, and can be asked for again with fewer traces. */
export function toDirectAnswer(trials: readonly Trial[]): DirectAnswer {
  let bytes = 0;
  const fitting = trials.map((trial) => {
    const own = Buffer.byteLength(JSON.stringify(trial.assessments));
    if (bytes + own <= maxAnswerBytes) {
      bytes += own;
      return { ...trial, assessments: [...trial.assessments] };
    }
    return {
      ...trial,
      assessments: [],
      reason: 'what was found is too large for one answer: ask for fewer traces at once',
    };
  });
  return { v: 1, trials: fitting };
}

export function fromDirectAnswer(text: string): readonly Trial[] {
  return directAnswer.parse(JSON.parse(text)).trials;
}
