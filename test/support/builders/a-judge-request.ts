import { createHash } from 'node:crypto';
import type { JudgeAnswer, JudgeModel, JudgeRequest } from '../../../shared/domain/judging/judge-model.ts';

export function aJudgeRequest(text = 'Is this polite?', given: Partial<JudgeRequest> = {}): JudgeRequest {
  return {
    hash: createHash('sha256').update(text).digest('hex'),
    system: 'You judge.',
    messages: [{ role: 'user', text }],
    schema: { type: 'object', properties: { result: { type: 'string' } }, required: ['result'] },
    maxTokens: 400,
    parameters: {},
    tools: [],
    ...given,
  };
}

export function aJudgeAnswer(given: Partial<JudgeAnswer> = {}): JudgeAnswer {
  return {
    text: '{"result":"yes"}',
    toolCalls: [],
    stop: 'end',
    usage: { inputTokens: 500, outputTokens: 20 },
    ...given,
  };
}

/** A model that answers as it is told; `asked` holds what it was asked. */
export function aJudgeModel(
  answer: (request: JudgeRequest, nth: number) => JudgeAnswer | Promise<JudgeAnswer> = () => aJudgeAnswer(),
  uri = 'openai:/gpt-4.1-mini',
): JudgeModel & { readonly asked: JudgeRequest[] } {
  const asked: JudgeRequest[] = [];
  return {
    uri,
    contextTokens: 100_000,
    asked,
    async complete(request) {
      asked.push(request);
      return answer(request, asked.length);
    },
  };
}
