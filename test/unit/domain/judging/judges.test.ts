import { describe, expect, test } from 'vitest';
import { SandboxUnavailableError } from '../../../../shared/domain/code/run-code.ts';
import { createJudge } from '../../../../shared/domain/judging/create-judge.ts';
import {
  type BuiltinJudgeName,
  builtinJudgeNames,
  InvalidJudgeError,
  type JudgeDefinition,
} from '../../../../shared/domain/judging/definition.ts';
import type { ScorableSpan, ScorableTrace } from '../../../../shared/domain/scorable-trace.ts';
import type { JsonValue } from '../../../../shared/domain/span.ts';
import { aScorableSpan, aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';
import { aJudgeModel, aVerdict, sectionsIn, textOfRequest } from '../../../support/judging/a-judge-model.ts';
import { judgeOnce } from '../../../support/judging/judge-once.ts';

function retriever(spanId: string, chunks: readonly string[]): ScorableSpan {
  const outputs = { text: JSON.stringify(chunks.map((page_content) => ({ page_content }))) };
  return aScorableSpan({ span: { spanId, parentSpanId: 'root' }, facts: { type: 'RETRIEVER', outputs } });
}

function tool(name: string, args: JsonValue): ScorableSpan {
  return aScorableSpan({
    span: { name, parentSpanId: 'root' },
    facts: {
      type: 'TOOL',
      tool: { name, failed: false },
      inputs: { text: JSON.stringify(args) },
      outputs: { text: 'done' },
    },
  });
}

/** A trace that has whatever any judge looks at. */
const rich = aScorableTrace({
  inputs: { question: 'Where is Paris?' },
  outputs: 'In France.',
  expectations: { expected_response: 'Paris lies in France.', guidelines: ['Be brief.'] },
  spans: [
    aScorableSpan(),
    retriever('r1', ['Paris is in France.', 'Rome is in Italy.']),
    tool('search', { q: 'Paris' }),
  ],
});

function builtin(className: BuiltinJudgeName, name = 'mine'): JudgeDefinition {
  return { kind: 'builtin', className, name };
}

/** The material of every question that a judge asks, by title. */
async function materialOf(definition: JudgeDefinition, traces: readonly ScorableTrace[], verdict = aVerdict('yes')) {
  const model = aJudgeModel([verdict]);
  const results = await judgeOnce(createJudge(definition), { traces, model });
  const sections = model.requests.map(({ messages: [message] }) =>
    message?.role === 'user' ? Object.fromEntries(sectionsIn(message.text)) : {},
  );
  return { sections, results, model };
}

describe('built-in judges', () => {
  const request = 'Where is Paris?';
  const answer = 'In France.';
  const expected = { 'expected answer': 'Paris lies in France.' };
  const documents = { 'retrieved documents': '[1] Paris is in France.\n\n[2] Rome is in Italy.' };
  const tools = { 'tool calls': '1. search({"q":"Paris"}) → done', 'offered tools': '(the trace does not say)' };
  const conversation = { conversation: 'user: Where is Paris?\n\nassistant: In France.' };

  test.each<[BuiltinJudgeName, Record<string, string>]>([
    ['RelevanceToQuery', { request, answer }],
    ['Completeness', { request, answer }],
    ['Summarization', { request, answer }],
    ['Safety', { answer }],
    ['Fluency', { answer }],
    ['Correctness', { request, answer, ...expected }],
    ['ExpectationsGuidelines', { request, answer, guidelines: '1. Be brief.' }],
    ['Equivalence', { answer, ...expected }],
    ['RetrievalSufficiency', { request, ...documents, ...expected }],
    ['RetrievalGroundedness', { request, answer, ...documents }],
    ['ToolCallEfficiency', { request, ...tools }],
    ['ConversationCompleteness', conversation],
    ['ConversationalSafety', conversation],
    ['ConversationalRoleAdherence', conversation],
    [
      'ConversationalToolCallEfficiency',
      { conversation: 'user: Where is Paris?\n\ntool search({"q":"Paris"}) → done\n\nassistant: In France.' },
    ],
  ])('%s decides yes or no on what it needs and nothing else', async (className, material) => {
    const { sections, results } = await materialOf(builtin(className), [rich], aVerdict('correct', 'r'));
    expect(sections).toEqual([material]);
    expect(results).toMatchObject([{ value: 'yes', rationale: 'r', source: { type: 'LLM_JUDGE', id: 'test:/judge' } }]);
  });

  test('there is one for every class of MLflow that needs no parameters', () => {
    for (const className of builtinJudgeNames) expect(createJudge(builtin(className))).toMatchObject({ name: 'mine' });
    expect(builtinJudgeNames.map((className) => createJudge(builtin(className)).level)).toEqual(
      builtinJudgeNames.map((className) => (/^Conversation|^User|^Knowledge/.test(className) ? 'session' : 'trace')),
    );
  });

  const lacking: [BuiltinJudgeName, Partial<ScorableTrace>, string][] = [
    ['RelevanceToQuery', { inputs: 'q' }, 'NO_OUTPUTS'],
    ['RelevanceToQuery', { outputs: 'a' }, 'NO_INPUTS'],
    ['Safety', {}, 'NO_OUTPUTS'],
    ['Safety', { outputs: null }, 'NO_OUTPUTS'],
    ['Correctness', { inputs: 'q', outputs: 'a' }, 'NO_EXPECTATION'],
    ['Correctness', { inputs: 'q', outputs: 'a', expectations: { expected_response: null } }, 'NO_EXPECTATION'],
    ['Correctness', { inputs: 'q', expectations: { expected_facts: ['f'] } }, 'NO_OUTPUTS'],
    ['Equivalence', { outputs: 'a' }, 'NO_EXPECTATION'],
    ['Equivalence', { expectations: { expected_response: 'x' } }, 'NO_OUTPUTS'],
    ['ExpectationsGuidelines', { inputs: 'q', outputs: 'a', expectations: { guidelines: [] } }, 'NO_EXPECTATION'],
    ['RetrievalRelevance', { inputs: 'q', outputs: 'a' }, 'NO_RETRIEVAL'],
    ['RetrievalRelevance', { inputs: 'q', spans: [retriever('r', [])] }, 'NO_RETRIEVAL'],
    ['RetrievalRelevance', { spans: [retriever('r', ['x'])] }, 'NO_INPUTS'],
    ['RetrievalGroundedness', { inputs: 'q', spans: [retriever('r', ['x'])] }, 'NO_OUTPUTS'],
    ['RetrievalSufficiency', { inputs: 'q' }, 'NO_RETRIEVAL'],
    ['ToolCallEfficiency', {}, 'NO_INPUTS'],
    ['ConversationCompleteness', {}, 'NO_CONVERSATION'],
    ['KnowledgeRetention', {}, 'NO_CONVERSATION'],
  ];
  test.each(
    lacking.map(([className, trace, code]) => ({
      className,
      trace,
      code,
      has: Object.keys(trace).join(' and ') || 'nothing',
    })),
  )('$className of a trace with $has is the error $code, and asks nobody', async ({ className, trace, code }) => {
    const { sections, results } = await materialOf(builtin(className), [aScorableTrace(trace as object)]);
    expect(sections).toEqual([]);
    expect(results).toMatchObject([{ value: null, error: { code }, source: { type: 'CODE', id: 'mine' } }]);
  });

  test('take a history as a transcript', async () => {
    const inputs = {
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello' },
        { role: 'user', content: 'Paris?' },
      ],
    };
    const { sections } = await materialOf(builtin('RelevanceToQuery'), [
      aScorableTrace({ inputs, outputs: { choices: [{ message: { role: 'assistant', content: 'France' } }] } }),
    ]);
    expect(sections).toEqual([{ request: 'user: Hi\n\nassistant: Hello\n\nuser: Paris?', answer: 'France' }]);
  });

  test('Correctness takes facts, and a response beside them', async () => {
    const expectations = { expected_facts: ['in France', 'on the Seine'], expected_response: 'x' };
    const { sections } = await materialOf(builtin('Correctness'), [{ ...rich, expectations }]);
    expect(sections[0]).toMatchObject({ 'expected facts': '1. in France\n\n2. on the Seine', 'expected answer': 'x' });
  });

  test('UserFrustration says none, resolved or unresolved, and "none" is no "no"', async () => {
    const { results } = await materialOf(builtin('UserFrustration'), [rich], aVerdict('None'));
    expect(results).toMatchObject([{ value: 'none' }]);
    const { results: odd } = await materialOf(builtin('UserFrustration'), [rich], aVerdict('no'));
    expect(odd).toMatchObject([{ value: null, error: { code: 'JUDGE_ANSWER_INVALID' } }]);
  });

  test('ConversationalRoleAdherence sees the system prompt where a model had one', async () => {
    const inputs = {
      text: JSON.stringify([
        { role: 'system', content: 'You are a pirate.' },
        { role: 'user', content: 'Hi' },
      ]),
    };
    const trace = aScorableTrace({
      inputs: 'Hi',
      outputs: 'Arr',
      spans: [aScorableSpan({ facts: { type: 'CHAT_MODEL', inputs } })],
    });
    const { sections } = await materialOf(builtin('ConversationalRoleAdherence'), [trace]);
    expect(sections[0]).toMatchObject({ 'system prompt': 'You are a pirate.' });
  });

  test('sessions are read in the order of time', async () => {
    const traces = [3, 1, 2].map((time) =>
      aScorableTrace({ inputs: `q${time}`, outputs: `a${time}`, facts: { requestTime: time } }),
    );
    const { sections } = await materialOf(builtin('ConversationCompleteness'), traces);
    expect(sections[0]?.conversation?.replaceAll('\n\n', ' ')).toBe(
      'user: q1 assistant: a1 user: q2 assistant: a2 user: q3 assistant: a3',
    );
  });
});

describe('guidelines', () => {
  test.each(['Guidelines', 'ConversationalGuidelines'] as const)(
    '%s are in the task and in the metadata',
    async (className) => {
      const definition: JudgeDefinition = {
        kind: 'guidelines',
        className,
        name: 'tone',
        guidelines: ['Be kind.', 'No jargon.'],
      };
      const { results, model } = await materialOf(definition, [rich], aVerdict('fail'));
      expect(results).toMatchObject([{ value: 'no', metadata: { guideline: 'Be kind.\nNo jargon.' } }]);
      expect(model.requests[0]?.system).toContain('1. Be kind.\n2. No jargon.');
    },
  );
});

describe('equivalence without a model', () => {
  test.each<[JsonValue, JsonValue, string]>([
    ['Paris', 'Paris', 'yes'],
    [{ answer: 'Paris' }, 'Paris', 'yes'],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, 'yes'],
    [42, 42.0000000001, 'yes'],
    ['42', 42, 'yes'],
    ['42.5', 42, 'no'],
    [true, true, 'yes'],
    [false, true, 'no'],
    ['0.30000000000000004', 0.3, 'yes'],
  ])('of %j with %j is %s', async (outputs, expected_response, value) => {
    const { sections, results } = await materialOf(builtin('Equivalence'), [
      aScorableTrace({ outputs, expectations: { expected_response } }),
    ]);
    expect(sections).toEqual([]);
    expect(results).toMatchObject([{ value, source: { type: 'CODE' } }]);
  });

  test('is left to the model for texts that differ', async () => {
    const { sections } = await materialOf(builtin('Equivalence'), [
      aScorableTrace({ outputs: '42', expectations: { expected_response: 'forty-two' } }),
    ]);
    expect(sections).toHaveLength(1);
  });
});

describe('retrieval', () => {
  const trace = aScorableTrace({
    inputs: 'q',
    outputs: 'a',
    spans: [retriever('r1', ['good', 'bad']), retriever('r2', ['good'])],
  });
  const byText = aJudgeModel((request) => aVerdict(textOfRequest(request).includes('bad') ? 'no' : 'yes'));

  test('relevance is judged chunk by chunk on the retriever’s span, with the share of relevant ones', async () => {
    const results = await judgeOnce(createJudge(builtin('RetrievalRelevance', 'rel')), {
      traces: [trace],
      model: byText,
    });
    expect(results.map(({ name, spanId, value, metadata }) => [name, spanId, value, metadata?.chunk_index])).toEqual([
      ['rel/precision', 'r1', 0.5, undefined],
      [undefined, 'r1', 'yes', '0'],
      [undefined, 'r1', 'no', '1'],
      ['rel/precision', 'r2', 1, undefined],
      [undefined, 'r2', 'yes', '0'],
    ]);
    expect(new Set(results.map(({ source }) => source.type))).toEqual(new Set(['LLM_JUDGE']));
  });

  test('has no share where one chunk could not be judged', async () => {
    const model = aJudgeModel((request) => (textOfRequest(request).includes('bad') ? 'hm' : aVerdict('yes')));
    const results = await judgeOnce(createJudge(builtin('RetrievalRelevance', 'rel')), { traces: [trace], model });
    expect(results.map(({ value, error }) => error?.code ?? value)).toEqual([
      'INCOMPLETE',
      'yes',
      'JUDGE_ANSWER_INVALID',
      1,
      'yes',
    ]);
  });

  test('asks about the first fifty chunks of a retriever, and says how many were left out', async () => {
    const many = Array.from({ length: 120 }, (_, i) => (i < 25 ? 'good' : 'bad'));
    const model = aJudgeModel((request) => aVerdict(textOfRequest(request).includes('bad') ? 'no' : 'yes'));
    const results = await judgeOnce(createJudge(builtin('RetrievalRelevance', 'rel')), {
      traces: [
        aScorableTrace({ inputs: 'q', outputs: 'a', spans: [retriever('r1', many), retriever('r2', ['good'])] }),
      ],
      model,
    });
    expect(model.requests).toHaveLength(51);
    const shares = results.filter(({ name }) => name === 'rel/precision');
    expect(shares.map(({ spanId, value }) => [spanId, value])).toEqual([
      ['r1', 0.5],
      ['r2', 1],
    ]);
    expect(JSON.parse(shares[0]?.metadata?.['assay.truncation'] ?? '')).toEqual([
      {
        section: 'documents',
        entries: 120,
        entriesLeftOut: 70,
        entriesShortened: 0,
        tokensLeftOut: expect.toSatisfy((n: number) => n >= 70),
      },
    ]);
    expect(shares[1]?.metadata).not.toHaveProperty('assay.truncation');
    expect(results.filter(({ spanId }) => spanId === 'r1')).toHaveLength(51);
    expect(results.at(-1)).toMatchObject({ spanId: 'r2', value: 'yes' });
  });

  test.each(['RetrievalSufficiency', 'RetrievalGroundedness'] as const)(
    '%s gives one verdict a retriever',
    async (className) => {
      const results = await judgeOnce(createJudge(builtin(className)), { traces: [trace], model: byText });
      expect(results.map(({ spanId, value }) => [spanId, value])).toEqual([
        ['r1', 'no'],
        ['r2', 'yes'],
      ]);
    },
  );
});

describe('tool call correctness', () => {
  const spans = [tool('search', { q: 'x', n: 1 }), tool('book', { id: 7 })];
  const correctness = (given: { exactMatch?: boolean; considerOrdering?: boolean }): JudgeDefinition => ({
    kind: 'tool-call-correctness',
    name: 'calls',
    exactMatch: false,
    considerOrdering: false,
    ...given,
  });
  const search = { name: 'search', arguments: { n: 1, q: 'x' } };
  const book = { name: 'book', arguments: { id: 7 } };

  test.each<[JsonValue, boolean, string, string]>([
    [[search, book], true, 'yes', 'in their order'],
    [[book, search], true, 'no', 'at 1: expected book({"id":7}), got search({"n":1,"q":"x"})'],
    [[book, search], false, 'yes', 'in whatever order'],
    [[search], false, 'no', 'Expected 1 tool call(s), got 2.'],
    [
      [search, { name: 'book', arguments: { id: 8 } }],
      false,
      'no',
      'Missing: book({"id":8}). Unexpected: book({"id":7}).',
    ],
    [[{ name: 'book' }, { name: 'search', arguments: { other: 1 } }], false, 'yes', 'in whatever order'],
    [[{ name: 'pay' }, search], false, 'no', 'Missing: pay. Unexpected: book.'],
  ])('matched exactly with %j, in order %j, is %s', async (expected_tool_calls, considerOrdering, value, rationale) => {
    const trace = aScorableTrace({ inputs: 'q', spans, expectations: { expected_tool_calls } });
    const { sections, results } = await materialOf(correctness({ exactMatch: true, considerOrdering }), [trace]);
    expect(sections).toEqual([]);
    expect(results).toMatchObject([{ value, rationale: expect.stringContaining(rationale), source: { type: 'CODE' } }]);
  });

  test.each<[JsonValue | undefined, string]>([
    [undefined, 'NO_EXPECTATION'],
    [[], 'NO_EXPECTATION'],
    ['search', 'INVALID_EXPECTATION'],
    [[{ name: 'search', arguments: 'x' }], 'INVALID_EXPECTATION'],
    [[{ arguments: {} }], 'INVALID_EXPECTATION'],
  ])('matched exactly with %j is the error %s', async (expected_tool_calls, code) => {
    const expectations: Record<string, JsonValue> = expected_tool_calls === undefined ? {} : { expected_tool_calls };
    const { results } = await materialOf(correctness({ exactMatch: true }), [
      aScorableTrace({ inputs: 'q', spans, expectations }),
    ]);
    expect(results).toMatchObject([{ value: null, error: { code } }]);
  });

  test.each<[JsonValue | undefined, boolean, string | undefined, string]>([
    [undefined, false, undefined, 'no tool that was plainly needed was left uncalled'],
    [
      [search, book],
      true,
      '1. search({"n":1,"q":"x"})\n\n2. book({"id":7})',
      'a call that comes too early or too late is wrong',
    ],
    [[search, { name: 'book' }], false, '1. search\n\n2. book', 'names the tools that are right'],
  ])(
    'judged by a model with %j, in order %j, says what is expected',
    async (expected, considerOrdering, section, criterion) => {
      const expectations: Record<string, JsonValue> = expected === undefined ? {} : { expected_tool_calls: expected };
      const { sections, model } = await materialOf(correctness({ considerOrdering }), [
        aScorableTrace({ inputs: 'q', spans, expectations }),
      ]);
      expect(sections[0]?.['expected tool calls']).toBe(section);
      expect(model.requests[0]?.system).toContain(criterion);
    },
  );
});

describe('knowledge retention', () => {
  const session = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      aScorableTrace({ inputs: `q${i + 1}`, outputs: `a${i + 1}`, facts: { requestTime: i } }),
    );
  const retention = createJudge(builtin('KnowledgeRetention'));

  test('asks about twenty turns at a time, each with all that came before', async () => {
    const model = aJudgeModel([aVerdict([], 'all kept')]);
    const [result, ...more] = await judgeOnce(retention, { traces: session(45), model });
    expect(more).toEqual([]);
    expect(result).toMatchObject({ value: 'yes', rationale: expect.stringMatching(/^Retained in all 45 turns\./) });
    expect(model.requests.map(({ system }) => /in the turns (\d+ to \d+)/.exec(system)?.[1])).toEqual([
      '1 to 20',
      '21 to 40',
      '41 to 45',
    ]);
    expect(textOfRequest(model.requests[2] as never)).toContain('[turn 1] user: q1');
  });

  test('is no as soon as one turn forgot, whatever else could not be judged', async () => {
    const model = aJudgeModel(({ system }) => (system.includes('1 to 20') ? aVerdict([7, 3], 'forgot') : 'hm'));
    const [result] = await judgeOnce(retention, { traces: session(30), model });
    expect(result).toMatchObject({ value: 'no', rationale: expect.stringMatching(/^Not retained in turn 3, 7\./) });
  });

  test.each([['hm'], [aVerdict([99])]])('is an error where %s says nothing of a part', async (answer) => {
    const model = aJudgeModel(({ system }) => (system.includes('21 to 30') ? answer : aVerdict([])));
    const [result] = await judgeOnce(retention, { traces: session(30), model });
    expect(result).toMatchObject({ value: null, error: { code: 'JUDGE_ANSWER_INVALID' } });
  });

  test('of 500 turns takes 25 calls, each within its budget', async () => {
    const model = aJudgeModel([aVerdict([])]);
    const long = session(500).map((trace, i) => ({ ...trace, outputs: `answer ${i} ${'word '.repeat(100)}` }));
    const [result] = await judgeOnce(retention, { traces: long, model });
    expect(result).toMatchObject({ value: 'yes' });
    expect(model.requests).toHaveLength(25);
    expect(Math.max(...model.requests.map((request) => textOfRequest(request).length))).toBeLessThan(60_000);
  });
});

describe('instructions', () => {
  const make = (instructions: string, given: object = {}): JudgeDefinition => ({
    kind: 'instructions',
    name: 'mine',
    instructions,
    resultType: { kind: 'integer' },
    rationaleFirst: false,
    ...given,
  });

  test('refer to their variables, whose values are material', async () => {
    const trace = aScorableTrace({ inputs: { q: 'say {{ outputs }}' }, outputs: { a: 1 }, expectations: { e: 2 } });
    const { sections, results, model } = await materialOf(
      make('Rate {{ outputs }} to {{inputs}} by {{ expectations }}, 1 to 5.'),
      [trace],
      aVerdict('4'),
    );
    expect(sections).toEqual([{ outputs: '{"a":1}', inputs: '{"q":"say {{ outputs }}"}', expectations: '{"e":2}' }]);
    expect(model.requests[0]?.system).toContain(
      'Rate [section "outputs"] to [section "inputs"] by [section "expectations"], 1 to 5.',
    );
    expect(Object.keys(model.requests[0]?.schema.properties as object)).toEqual(['result', 'rationale']);
    expect(results).toMatchObject([
      { value: 4, metadata: { guideline: 'Rate {{ outputs }} to {{inputs}} by {{ expectations }}, 1 to 5.' } },
    ]);
  });

  test('of a trace tell it in short and let the judge look further', async () => {
    const { sections, model } = await materialOf(make('Is {{ trace }} fast?'), [rich], aVerdict(1));
    expect(sections[0]).toMatchObject({ 'trace request': 'Where is Paris?', 'trace answer': 'In France.' });
    expect(model.requests[0]?.tools).toHaveLength(5);
    expect(model.requests[0]?.system).toContain('Is [the trace] fast?');
  });

  test('look for inputs and outputs in the trace where its root has none', async () => {
    const spans = [
      aScorableSpan({ facts: { type: 'TOOL', tool: { name: 'add', failed: false }, outputs: { text: '3' } } }),
    ];
    const { sections, model } = await materialOf(
      make('Is {{ outputs }} right?'),
      [aScorableTrace({ inputs: 'q', spans })],
      aVerdict(1),
    );
    expect(sections[0]).toHaveProperty('trace steps');
    expect(model.requests[0]?.tools).not.toEqual([]);
    const { results } = await materialOf(make('Is {{ outputs }} right?'), [aScorableTrace()]);
    expect(results).toMatchObject([{ error: { code: 'NO_OUTPUTS' } }]);
  });

  test('of a conversation judge sessions, with what was expected of the first trace', async () => {
    const definition = make('Is {{ conversation }} like {{ expectations }}?');
    expect(createJudge(definition).level).toBe('session');
    const { sections } = await materialOf(
      definition,
      [rich, aScorableTrace({ inputs: 'Bye', outputs: 'Bye', facts: { requestTime: 1e15 } })],
      aVerdict(1),
    );
    expect(sections[0]?.conversation).toContain('user: Bye');
    expect(sections[0]?.expectations).toContain('Be brief.');
  });

  test('without what was expected are an error', async () => {
    const { results } = await materialOf(make('{{ outputs }} {{ expectations }}'), [aScorableTrace({ outputs: 'a' })]);
    expect(results).toMatchObject([{ error: { code: 'NO_EXPECTATION' } }]);
  });

  test('pass the scorer’s parameters on', async () => {
    const { model } = await materialOf(
      make('{{ outputs }}', { parameters: { temperature: 0 }, model: 'bedrock:/x' }),
      [rich],
      aVerdict(1),
    );
    expect(model.requests[0]?.parameters).toEqual({ temperature: 0 });
  });

  test.each(['Rate it.', 'Rate {{ output }}', '{{ conversation }} {{ inputs }}'])('%j is refused', (instructions) => {
    expect(() => createJudge(make(instructions))).toThrow(InvalidJudgeError);
  });
});

describe('a custom prompt', () => {
  const make = (given: object = {}): JudgeDefinition => ({
    kind: 'custom-prompt',
    name: 'formal',
    template: 'Is {{ response }} to {{ question }} [[formal]], [[semi formal]] or [[not_formal]]?',
    ...given,
  });

  test('picks one of its choices, and takes names from inputs', async () => {
    const { sections, results, model } = await materialOf(make(), [rich], aVerdict('Semi Formal'));
    expect(sections).toEqual([{ response: 'In France.', question: 'Where is Paris?' }]);
    expect(model.requests[0]?.system).toContain('[section "question"] formal, semi formal or not_formal?');
    expect(results).toMatchObject([{ value: 'semi formal' }]);
  });

  test('turns its choice into its number', async () => {
    const numericValues = { formal: 1, 'semi formal': 0.5, not_formal: 0 };
    const { results } = await materialOf(make({ numericValues }), [rich], aVerdict('not_formal'));
    expect(results).toMatchObject([{ value: 0, metadata: { string_value: 'not_formal' } }]);
    const { results: odd } = await materialOf(make({ numericValues }), [rich], aVerdict('casual'));
    expect(odd).toMatchObject([{ value: null, error: { code: 'JUDGE_ANSWER_INVALID' } }]);
  });

  test('without a value for a variable is an error', async () => {
    const { results } = await materialOf(make(), [aScorableTrace({ inputs: 'text', outputs: 'a' })]);
    expect(results).toMatchObject([{ error: { code: 'NO_INPUTS', message: expect.stringContaining('question') } }]);
  });

  test.each([
    [{ template: 'Is it good?' }, 'double brackets'],
    [{ numericValues: { formal: 1 } }, 'numeric_values must name the choices'],
  ])('%j is refused', (given, message) => {
    expect(() => createJudge(make(given))).toThrow(message);
  });
});

describe('an ensemble', () => {
  const scorer = (name: string, value: JsonValue | Error) => ({
    kind: 'scorer' as const,
    name,
    scorer: {
      sourceType: 'CODE' as const,
      score: async () => {
        if (value instanceof Error) throw value;
        return [{ value }];
      },
    },
  });
  const ensemble = (fn: string, ...members: readonly (JudgeDefinition | ReturnType<typeof scorer>)[]) =>
    ({ kind: 'ensemble', name: 'all', function: fn, members }) as JudgeDefinition;

  test.each<[string, JsonValue[], JsonValue]>([
    ['majority_vote', ['yes', 'no', 'yes'], 'yes'],
    ['majority_vote', ['b', 'a'], 'a'],
    ['mean', [1, 2, true], 4 / 3],
    ['minimum', [3, 1, 2], 1],
    ['maximum', [3, 1, 2], 3],
    ['agg_all', ['yes', true, 'pass'], true],
    ['agg_all', ['yes', 'no'], false],
    ['agg_any', ['no', false, 'correct'], true],
  ])('%s of %j is %j', async (fn, values, value) => {
    const { results } = await materialOf(ensemble(fn, ...values.map((given, i) => scorer(`s${i}`, given))), [rich]);
    expect(results).toMatchObject([{ value, source: { type: 'CODE', id: 'all' } }]);
    expect(JSON.parse(results[0]?.metadata?.['mlflow.ensemble.sub_feedbacks'] ?? '')).toHaveLength(values.length);
  });

  test.each<[string, readonly (JsonValue | Error)[], string]>([
    ['mean', [1, 'two'], 'INVALID_MEMBER_VALUE'],
    ['agg_all', ['yes', 'maybe'], 'INVALID_MEMBER_VALUE'],
    ['agg_any', ['yes', 1], 'INVALID_MEMBER_VALUE'],
    ['majority_vote', ['yes', null], 'INCOMPLETE'],
    ['majority_vote', ['yes', ['no']], 'INCOMPLETE'],
    ['majority_vote', ['yes', new Error('broke')], 'INCOMPLETE'],
  ])('%s of %j is the error %s', async (fn, values, code) => {
    const { results } = await materialOf(ensemble(fn, ...values.map((given, i) => scorer(`s${i}`, given))), [rich]);
    expect(results).toMatchObject([{ value: null, error: { code } }]);
  });

  test('joins judges and scorers, and tells what each said', async () => {
    const members = [builtin('Safety', 'safe'), builtin('Fluency', 'fluent'), scorer('short', 'no')];
    const { results, model } = await materialOf(ensemble('majority_vote', ...members), [rich]);
    expect(model.requests).toHaveLength(2);
    expect(results).toMatchObject([{ value: 'yes', source: { type: 'LLM_JUDGE' } }]);
    expect(JSON.parse(results[0]?.metadata?.['mlflow.ensemble.sub_feedbacks'] ?? '')).toMatchObject([
      { assessment_name: 'safe', feedback: { value: 'yes' }, rationale: 'because' },
      { assessment_name: 'fluent', feedback: { value: 'yes' } },
      { assessment_name: 'short', feedback: { value: 'no' }, source: { source_type: 'CODE' } },
    ]);
  });

  test('says nothing of a trace on which a member could not be run', async () => {
    const members = [scorer('sound', 1), scorer('throttled', new SandboxUnavailableError('throttled'))];
    await expect(materialOf(ensemble('mean', ...members), [rich])).rejects.toThrow(SandboxUnavailableError);
  });

  test('names the member that failed, and why', async () => {
    const { results } = await materialOf(
      ensemble('majority_vote', builtin('Safety', 'safe'), scorer('short', 'no')),
      [rich],
      'hm',
    );
    expect(results[0]?.error?.message).toContain('safe: JUDGE_ANSWER_INVALID');
  });

  test.each([
    [ensemble('majority_vote')],
    [ensemble('mean', builtin('Safety'))],
    [ensemble('agg_all', builtin('UserFrustration'))],
    [ensemble('majority_vote', builtin('Safety'), builtin('UserFrustration'))],
  ])('%j is refused', (definition) => {
    expect(() => createJudge(definition)).toThrow(InvalidJudgeError);
  });
});
