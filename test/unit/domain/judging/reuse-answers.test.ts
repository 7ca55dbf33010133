import { beforeEach, describe, expect, it } from 'vitest';
import type { JudgeAnswer } from '../../../../shared/domain/judging/judge-model.ts';
import { answerReuse, type JudgeAnswers, type StoredAnswer } from '../../../../shared/domain/judging/reuse-answers.ts';
import { aJudgeAnswer, aJudgeModel, aJudgeRequest } from '../../../support/builders/a-judge-request.ts';
import { noon } from '../../../support/builders/a-trace-info.ts';

let clock: number;
let stored: Map<string, { answer: StoredAnswer; until: number }>;
let answers: JudgeAnswers;
let reports: unknown[];
beforeEach(() => {
  clock = noon;
  stored = new Map();
  reports = [];
  answers = {
    async get(hash, now) {
      const found = stored.get(hash);
      return found && found.until > now ? found.answer : undefined;
    },
    async put(hash, answer, { until }) {
      stored.set(hash, { answer, until });
    },
  };
});

const anInstance = () => answerReuse({ answers, now: () => clock, report: (error) => reports.push(error) });

describe('an identical judgement', () => {
  it('is answered once a day, by whichever instance, at no cost and marked as such', async () => {
    const model = aJudgeModel();
    expect(await anInstance()(model).complete(aJudgeRequest())).toEqual(aJudgeAnswer());
    const again = await anInstance()(model).complete(aJudgeRequest());
    expect(again).toEqual({ ...aJudgeAnswer(), cached: true });
    clock += 86_400_000;
    expect((await anInstance()(model).complete(aJudgeRequest())).cached).toBeUndefined();
    expect(model.asked).toHaveLength(2);
  });

  it('is asked for once by those who ask at the same time', async () => {
    const model = aJudgeModel();
    const reused = anInstance()(model);
    const all = await Promise.all(Array.from({ length: 10 }, () => reused.complete(aJudgeRequest())));
    expect(model.asked).toHaveLength(1);
    expect(all.filter(({ cached }) => cached)).toHaveLength(9);
  });

  it('is asked for again where the first who asked had no answer', async () => {
    const model = aJudgeModel((_, nth) => (nth === 1 ? Promise.reject(new Error('down')) : aJudgeAnswer()));
    const reused = anInstance()(model);
    const all = await Promise.allSettled([reused.complete(aJudgeRequest()), reused.complete(aJudgeRequest())]);
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it('is not one of another prompt', async () => {
    const model = aJudgeModel();
    const reused = anInstance()(model);
    for (const text of ['a', 'b']) await reused.complete(aJudgeRequest(text));
    expect(model.asked).toHaveLength(2);
  });

  it.each<{ what: string; answer: Partial<JudgeAnswer> }>([
    { what: 'was cut off', answer: { stop: 'length' } },
    { what: 'was refused', answer: { stop: 'refused' } },
    { what: 'calls a tool', answer: { toolCalls: [{ id: '1', name: 'get_span', arguments: {} }] } },
    { what: 'is no JSON', answer: { text: 'Sure! {' } },
    { what: 'lacks what the schema requires', answer: { text: '{"rationale":"x"}' } },
    { what: 'is large', answer: { text: JSON.stringify({ result: 'x'.repeat(9_000) }) } },
  ])('is asked for again where the answer $what', async ({ answer }) => {
    const model = aJudgeModel(() => aJudgeAnswer(answer));
    for (let i = 0; i < 2; i++)
      expect(await anInstance()(model).complete(aJudgeRequest())).toEqual(aJudgeAnswer(answer));
    expect([model.asked.length, stored.size]).toEqual([2, 0]);
  });

  it('with tools, or later in a conversation, is asked for', async () => {
    const model = aJudgeModel();
    const reused = anInstance()(model);
    const tool = { name: 'list_spans', description: '', parameters: { type: 'object' } as const };
    const repair = aJudgeRequest('x', {
      messages: [
        { role: 'user', text: 'x' },
        { role: 'user', text: 'JSON, please' },
      ],
    });
    for (let i = 0; i < 2; i++) {
      await reused.complete(aJudgeRequest('x', { tools: [tool] }));
      await reused.complete(repair);
    }
    expect([model.asked.length, stored.size]).toEqual([4, 0]);
  });

  it('is answered by the model where the cache fails, which is reported', async () => {
    answers = { get: () => Promise.reject(new Error('get')), put: () => Promise.reject(new Error('put')) };
    expect(await anInstance()(aJudgeModel()).complete(aJudgeRequest())).toEqual(aJudgeAnswer());
    expect(reports).toEqual([new Error('get'), new Error('put')]);
  });
});
