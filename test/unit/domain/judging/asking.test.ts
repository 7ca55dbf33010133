import { describe, expect, test } from 'vitest';
import { type AskContext, askQuestion } from '../../../../shared/domain/judging/asking/ask-question.ts';
import { defaultLimits } from '../../../../shared/domain/judging/asking/limits.ts';
import { estimateTokens } from '../../../../shared/domain/judging/estimate-tokens.ts';
import type { Question } from '../../../../shared/domain/judging/judge.ts';
import {
  ContextTooLongError,
  JudgeMisconfiguredError,
  type JudgeModel,
  JudgeOutOfTimeError,
  JudgeRejectedError,
  JudgeTimeoutError,
  JudgeUnavailableError,
} from '../../../../shared/domain/judging/judge-model.ts';
import { aScorableSpan, aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';
import {
  aJudgeModel,
  aVerdict,
  countedCodes,
  sectionsIn,
  textOfRequest,
} from '../../../support/judging/a-judge-model.ts';

function aQuestion(given: Partial<Question> = {}): Question {
  return {
    task: 'Decide whether the section "answer" is polite.',
    material: [{ title: 'answer', items: ['Good day.'] }],
    resultType: { kind: 'rating' },
    rationaleFirst: true,
    ...given,
  };
}

function ask(
  model: JudgeModel,
  { question = aQuestion(), ...given }: Partial<AskContext> & { question?: Question } = {},
) {
  let now = 0;
  const context = { model, code: countedCodes(), now: () => (now += 50), limits: defaultLimits, scope: 'scorer 1' };
  return askQuestion(question, { ...context, ...given });
}

describe('asking for a judgement', () => {
  test('gives the decision and what it took', async () => {
    const model = aJudgeModel([
      { text: aVerdict('yes', 'It greets.'), usage: { inputTokens: 300, outputTokens: 30, cacheReadTokens: 200 } },
    ]);
    const verdict = await ask(model);
    expect(verdict).toMatchObject({
      decision: { value: 'yes', rationale: 'It greets.' },
      record: {
        model: 'test:/judge',
        calls: 1,
        inputTokens: 300,
        outputTokens: 30,
        cacheReadTokens: 200,
        durationMs: 50,
        omissions: [],
      },
    });
    expect(verdict.record.promptHash).toBe(model.requests[0]?.hash);
  });

  test('sends task and form of the answer as system text, the same for all traces, and the material between delimiters', async () => {
    const model = aJudgeModel([aVerdict('yes')]);
    await ask(model);
    await ask(model, { question: aQuestion({ material: [{ title: 'answer', items: ['Go away.'] }] }) });
    const [first, second] = model.requests;
    expect(first?.system).toBe(second?.system);
    expect(first?.system).toContain('Decide whether the section "answer" is polite.');
    expect(first?.maxTokens).toBe(defaultLimits.answerTokens);
    expect(first?.schema).toEqual({
      type: 'object',
      properties: { rationale: { type: 'string' }, result: { type: 'string', enum: ['yes', 'no'] } },
      required: ['rationale', 'result'],
      additionalProperties: false,
    });
    const [message] = second?.messages ?? [];
    expect(message?.role === 'user' && sectionsIn(message.text)).toEqual(new Map([['answer', 'Go away.']]));
  });

  test('has one hash for the same prompt, whatever the delimiters, and another for another model, scorer, material or parameter', async () => {
    const hashOf = async (given: Parameters<typeof ask>[1] = {}, uri = 'test:/judge') => {
      const model = aJudgeModel([aVerdict('yes')], { uri });
      await ask(model, { code: () => `${Math.floor(performance.now() * 1_000)}aaaaaaaaaaaaaaaa`, ...given });
      return model.requests[0]?.hash ?? '';
    };
    const hash = await hashOf();
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await hashOf()).toBe(hash);
    const others = [
      await hashOf({}, 'test:/other'),
      await hashOf({ scope: 'scorer 2' }),
      await hashOf({ question: aQuestion({ task: 'Decide whether it is short.' }) }),
      await hashOf({ question: aQuestion({ material: [{ title: 'answer', items: ['Good day!'] }] }) }),
      await hashOf({ question: aQuestion({ parameters: { temperature: 1 } }) }),
      await hashOf({ question: aQuestion({ resultType: { kind: 'boolean' } }) }),
    ];
    expect(new Set([hash, ...others]).size).toBe(7);
  });

  test('sends a useless answer back once, with what is wrong with it', async () => {
    const model = aJudgeModel(['Yes, it is.', aVerdict('no')]);
    expect(await ask(model)).toMatchObject({ decision: { value: 'no' }, record: { calls: 2, inputTokens: 200 } });
    const [, second] = model.requests;
    expect(second?.messages.slice(1)).toEqual([
      { role: 'assistant', text: 'Yes, it is.', toolCalls: [] },
      { role: 'user', text: expect.stringContaining('it is not one JSON object') },
    ]);
    expect(second?.hash).not.toBe(model.requests[0]?.hash);
  });

  test('gives a cut-off answer twice the room', async () => {
    const model = aJudgeModel([{ text: '{"rationale":"It', stop: 'length' }, aVerdict('yes')]);
    expect(await ask(model)).toMatchObject({ decision: { value: 'yes' } });
    expect(model.requests.map(({ maxTokens }) => maxTokens)).toEqual([512, 1_024]);
  });

  test.each([
    ['JUDGE_ANSWER_INVALID', ['good', aVerdict('perhaps')], aVerdict('perhaps')],
    ['JUDGE_ANSWER_CUT_OFF', [{ text: '{"ra', stop: 'length' as const }], '{"ra'],
    ['JUDGE_REFUSED', [{ text: 'I cannot help with that.', stop: 'refused' as const }], 'I cannot help with that.'],
    ['JUDGE_TIMEOUT', [new JudgeTimeoutError('no answer within 60 s')], undefined],
    ['JUDGE_CONTEXT_TOO_LONG', [new ContextTooLongError('8192 tokens at most')], undefined],
    ['JUDGE_REQUEST_REJECTED', [new JudgeRejectedError('400: what is that?')], undefined],
  ])('ends in %s, never in a score', async (code, script, evidence) => {
    const verdict = await ask(aJudgeModel(script));
    expect(verdict).toMatchObject({ error: { code } });
    expect(verdict).not.toHaveProperty('decision');
    expect('evidence' in verdict ? verdict.evidence : undefined).toBe(evidence);
  });

  test.each([
    new JudgeUnavailableError('throttled', { reason: 'throttled', retryAfterMs: 2_000 }),
    new JudgeMisconfiguredError('no such model', { reason: 'unknown-model' }),
  ])('is left to whoever asks where the model says $name', async (error) => {
    await expect(ask(aJudgeModel([error]))).rejects.toBe(error);
  });

  test('cuts the material more where the model still finds it too long', async () => {
    const model = aJudgeModel([
      new ContextTooLongError('too long'),
      new ContextTooLongError('too long'),
      aVerdict('yes'),
    ]);
    const items = Array.from({ length: 300 }, (_, i) => `step ${i} ${'word '.repeat(60)}`);
    const verdict = await ask(model, { question: aQuestion({ material: [{ title: 'steps', items }] }) });
    expect(verdict).toMatchObject({
      decision: { value: 'yes' },
      record: { omissions: [{ section: 'steps', entries: 300 }] },
    });
    const sizes = model.requests.map((request) => textOfRequest(request).length);
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) * 0.7);
    expect(sizes[2]).toBeLessThan((sizes[1] ?? 0) * 0.7);
    expect(verdict.record.promptHash).toBe(model.requests[2]?.hash);
  });

  test.each([4_096, 8_192, 32_000])('never sends a model of %i tokens more than it holds', async (contextTokens) => {
    const model = aJudgeModel([aVerdict('yes')], { contextTokens });
    const question = aQuestion({ material: [{ title: 'answer', items: ['lorem ipsum '.repeat(50_000)] }] });
    const verdict = await ask(model, { question, limits: { ...defaultLimits, materialTokens: 1e9 } });
    expect(verdict.record.omissions).toHaveLength(1);
    const [request] = model.requests;
    expect(estimateTokens(request ? textOfRequest(request) : '') + (request?.maxTokens ?? 0)).toBeLessThan(
      contextTokens,
    );
    expect(request ? textOfRequest(request) : '').toContain('Left out for length:\n- "answer": its middle');
  });
});

describe('a judge that explores a trace', () => {
  const spans = Array.from({ length: 250 }, (_, i) =>
    aScorableSpan({
      span: {
        spanId: String(i).padStart(16, '0'),
        name: i === 0 ? 'root' : `step ${i}`,
        ...(i > 0 && { parentSpanId: '0'.repeat(16) }),
        attributes: { note: `note number ${i}`, large: i === 7 ? 'x'.repeat(40_000) : '' },
      },
    }),
  );
  const question = aQuestion({ explore: aScorableTrace({ spans }) });
  const call = (name: string, args: object = {}) => ({
    toolCalls: [{ id: `id-${name}`, name, arguments: args as Record<string, string> }],
  });
  const resultsOf = (model: ReturnType<typeof aJudgeModel>) =>
    (model.requests.at(-1)?.messages ?? []).flatMap((message) =>
      message.role === 'tool' ? message.results.map(({ text }) => [...sectionsOfResult(text)][0] ?? text) : [],
    );
  const sectionsOfResult = (text: string) =>
    [...text.matchAll(/^<material-\w+ section="tool result">\n([\s\S]*)\n<\/material-\w+>$/g)].map(
      ([, inner = '']) => inner,
    );

  test('looks into it by tools, whose answers are material, and decides', async () => {
    const model = aJudgeModel([
      call('get_trace_info'),
      call('list_spans', { max_results: 2 }),
      call('get_root_span', { attributes_to_fetch: ['note'] }),
      call('get_span', { span_id: '0000000000000005' }),
      call('search_trace_regex', { pattern: 'NUMBER 24[0-9]', max_matches: 3 }),
      aVerdict('no'),
    ]);
    const verdict = await ask(model, { question });
    expect(verdict).toMatchObject({ decision: { value: 'no' }, record: { calls: 6 } });
    const [info, list, root, span, found] = resultsOf(model);
    expect(JSON.parse(info ?? '')).toMatchObject({ trace_id: question.explore?.traceId, state: 'OK' });
    expect(list?.split('\n')).toHaveLength(3);
    expect(list).toContain('(248 more: page_token "2")');
    expect(JSON.parse(root ?? '')).toMatchObject({ name: 'root', attributes: { note: 'note number 0' } });
    expect(JSON.parse(span ?? '')).toMatchObject({ name: 'step 5', attributes: { note: 'note number 5' } });
    expect(found?.match(/span 0{13}24\d: …/g)).toHaveLength(3);
    expect(model.requests[0]?.tools.map(({ name }) => name)).toEqual([
      'get_trace_info',
      'list_spans',
      'get_root_span',
      'get_span',
      'search_trace_regex',
    ]);
  });

  test('reads what is long in pages', async () => {
    const model = aJudgeModel([call('get_span', { span_id: '0000000000000007' }), aVerdict('yes')]);
    await ask(model, { question });
    const [page] = resultsOf(model);
    const [, token = ''] = /more characters: page_token "(\d+)"/.exec(page ?? '') ?? [];
    const next = aJudgeModel([call('get_span', { span_id: '0000000000000007', page_token: token }), aVerdict('yes')]);
    await ask(next, { question });
    expect(resultsOf(next)[0]).toMatch(/^x+/);
  });

  test('is shown whole characters, wherever a page or a finding ends', async () => {
    const penguins = '🐧'.repeat(20_000);
    const pages = ['', 'x'].map((shift) =>
      aQuestion({
        explore: aScorableTrace({
          spans: [aScorableSpan({ span: { spanId: '0'.repeat(16), attributes: { note: `${shift}${penguins}!` } } })],
        }),
      }),
    );
    for (const about of pages) {
      const model = aJudgeModel([
        call('get_root_span'),
        call('get_root_span', { page_token: '501' }),
        call('get_root_span', { page_token: '502' }),
        call('search_trace_regex', { pattern: '!', surrounding_content_length: 100 }),
        call('search_trace_regex', { pattern: '!', surrounding_content_length: 101 }),
        { text: `${about === pages[0] ? '' : 'x'}${'🐧'.repeat(5_000)}` },
        aVerdict('yes'),
      ]);
      await ask(model, { question: about });
      const messages = model.requests.at(-1)?.messages ?? [];
      expect(messages.map((message) => JSON.stringify(message)).filter((text) => /\\ud[89a-f]/.test(text))).toEqual([]);
      expect(JSON.stringify(messages)).toContain('🐧!');
    }
  });

  test.each([
    ['get_span', { span_id: 'nope' }, 'error: there is no such span'],
    ['get_span', {}, 'error: there is no such span'],
    ['search_trace_regex', { pattern: '(' }, 'error: '],
    ['search_trace_regex', { pattern: '' }, 'error: pattern must be'],
    ['search_trace_regex', { pattern: 'nowhere' }, 'no match'],
    ['drop_table', {}, 'error: there is no tool drop_table'],
    ['list_spans', { page_token: 'x', max_results: -4 }, '{"span_id"'],
  ])('is told by %s of %j what is wrong', async (name, args, text) => {
    const model = aJudgeModel([call(name, args), aVerdict('yes')]);
    await ask(model, { question });
    expect(resultsOf(model)[0]).toContain(text);
  });

  test('has to decide when its steps are used up, else it is an error', async () => {
    const limits = { ...defaultLimits, maxSteps: 4 };
    const obedient = aJudgeModel(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('no steps left') ? aVerdict('yes') : call('list_spans'),
    );
    expect(await ask(obedient, { question, limits })).toMatchObject({
      decision: { value: 'yes' },
      record: { calls: 5 },
    });
    const endless = aJudgeModel([call('list_spans')]);
    expect(await ask(endless, { question, limits })).toMatchObject({ error: { code: 'JUDGE_TOO_MANY_STEPS' } });
    expect(endless.requests).toHaveLength(5);
  });

  test('forgets its oldest findings before it overflows', async () => {
    const model = aJudgeModel(
      [...Array.from({ length: 25 }, () => call('get_span', { span_id: '0000000000000007' })), aVerdict('yes')],
      { contextTokens: 16_000 },
    );
    expect(await ask(model, { question })).toMatchObject({ decision: { value: 'yes' } });
    for (const request of model.requests)
      expect(estimateTokens(textOfRequest(request)) + request.maxTokens).toBeLessThan(16_000);
    const results = resultsOf(model);
    expect(results[0]).toBe('(left out for length: call the tool again if you need this)');
    expect(results.at(-1)).toContain('"span_id"');
  });

  test('may call several tools at once, within reason', async () => {
    const many = {
      toolCalls: Array.from({ length: 12 }, (_, i) => ({ id: `${i}`, name: 'get_trace_info', arguments: {} })),
    };
    const model = aJudgeModel([many, aVerdict('yes')]);
    await ask(model, { question });
    const results = resultsOf(model);
    expect(results).toHaveLength(12);
    expect(results.filter((text) => text.startsWith('error: too many calls'))).toHaveLength(4);
  });
});

describe('a judgement whose time is over', () => {
  const time = { from: 0, until: 100_000 };
  const lookAgain = { toolCalls: [{ id: '1', name: 'list_spans', arguments: {} }] };
  const explore = aQuestion({ explore: aScorableTrace() });

  /** A model each of whose answers takes so long, which is given up as an adapter does; and a clock. */
  function aSlowModel(script: Parameters<typeof aJudgeModel>[0], { ms, from = 0 }: { ms: number; from?: number }) {
    const model = aJudgeModel(script);
    const clock = { now: from, begun: 0 };
    const complete: JudgeModel['complete'] = async (request) => {
      clock.begun++;
      const [beganAt, { until = Number.POSITIVE_INFINITY }] = [clock.now, request];
      clock.now = Math.min(beganAt + ms, until);
      if (beganAt + ms > until) throw new JudgeOutOfTimeError('it did not answer in time', { beganAt });
      return model.complete(request);
    };
    return { model: { ...model, complete }, now: () => clock.now, requests: model.requests, begun: () => clock.begun };
  }

  test('tells the model with each call until when the answer is needed', async () => {
    const { requests, ...slow } = aSlowModel(['nonsense', aVerdict('yes')], { ms: 10 });
    expect(await ask(slow.model, { ...slow, time })).toMatchObject({ decision: { value: 'yes' } });
    expect(requests.map(({ until }) => until)).toEqual([100_000, 100_000]);
  });

  test.each([
    ['explores a trace', explore, [lookAgain], 7_000, 14, 15],
    ['is repaired', aQuestion(), ['nonsense'], 60_000, 1, 2],
    ['waits for its first answer', aQuestion(), [aVerdict('yes')], 101_000, 0, 1],
    ['has its last answer with the last moment', explore, [lookAgain], 50_000, 2, 2],
  ])('is an error with what it took, where it began in time and %s', async (_, question, script, ms, calls, begun) => {
    const { model, now, ...slow } = aSlowModel(script, { ms });
    const verdict = await ask(model, { question, now, time });
    expect(verdict).toMatchObject({
      error: { code: 'JUDGE_TIMEOUT', message: expect.stringContaining('not done after 100 s') },
      record: { calls, inputTokens: 100 * calls, durationMs: 100_000 },
    });
    expect(slow.begun()).toBe(begun);
  });

  test.each([
    ['one call', aQuestion(), [aVerdict('yes')], 80_000],
    ['a conversation', explore, [lookAgain], 7_000],
  ])('is asked for again where it began late: %s', async (_, question, script, ms) => {
    const began = { onTime: 25_000, late: 25_001 };
    const onTime = aSlowModel(script, { ms, from: began.onTime });
    expect(await ask(onTime.model, { question, ...onTime, time })).toMatchObject({ error: { code: 'JUDGE_TIMEOUT' } });
    const late = aSlowModel(script, { ms, from: began.late });
    await expect(ask(late.model, { question, ...late, time })).rejects.toMatchObject({
      name: 'JudgeUnavailableError',
      reason: 'unavailable',
      retryAfterMs: undefined,
    });
  });

  test('is asked for again where its first call had no turn for long', async () => {
    const complete = () => Promise.reject(new JudgeOutOfTimeError('no turn', { beganAt: 30_000 }));
    await expect(ask({ ...aJudgeModel([]), complete }, { now: () => 0, time })).rejects.toMatchObject({
      name: 'JudgeUnavailableError',
    });
  });
});
