import type { JudgeAnswer, JudgeModel, JudgeModels, JudgeRequest } from '../../../shared/domain/judging/judge-model.ts';

/** What a scripted model answers with: a text, a whole answer, or an error that it throws. */
export type Scripted = string | Partial<JudgeAnswer> | Error;

/** A model that answers from a script, its last line again and again, and keeps what it was asked. */
export function aJudgeModel(
  script: readonly Scripted[] | ((request: JudgeRequest) => Scripted),
  { uri = 'test:/judge', contextTokens = 128_000 }: { uri?: string; contextTokens?: number } = {},
): JudgeModel & { readonly requests: readonly JudgeRequest[] } {
  const requests: JudgeRequest[] = [];
  return {
    uri,
    contextTokens,
    requests,
    async complete(request) {
      requests.push(request);
      const line =
        typeof script === 'function' ? script(request) : (script[Math.min(requests.length, script.length) - 1] ?? '');
      if (line instanceof Error) throw line;
      const given = typeof line === 'string' ? { text: line } : line;
      return { text: '', toolCalls: [], stop: 'end', usage: { inputTokens: 100, outputTokens: 20 }, ...given };
    },
  };
}

/** The JSON in which a judge answers. */
export function aVerdict(result: unknown, rationale = 'because'): string {
  return JSON.stringify({ rationale, result });
}

/** Every URI means this model. */
export function modelsOf(model: JudgeModel): JudgeModels {
  return { resolve: async () => model };
}

/** Codes that differ from each other and are always the same. */
export function countedCodes(): () => string {
  let count = 0;
  return () => `code${String(++count).padStart(16, '0')}`;
}

/** All that a model is sent, as one text. */
export function textOfRequest({ system, messages }: JudgeRequest): string {
  const texts = messages.map((message) =>
    message.role === 'tool' ? message.results.map(({ text }) => text).join('\n') : message.text,
  );
  return [system, ...texts].join('\n');
}

/** The sections of the material in a message, by title: what stands between the real delimiters. */
export function sectionsIn(message: string): ReadonlyMap<string, string> {
  const [, code] = /^The code of the real tags is (\w+)\.$/m.exec(message) ?? [];
  const sections = message.matchAll(
    new RegExp(`^<material-${code} section="([^"]*)">\\n([\\s\\S]*?)\\n</material-${code}>$`, 'gm'),
  );
  return new Map([...sections].map(([, title = '', text = '']) => [title, text]));
}
