import { describe, expect, test } from 'vitest';
import { compactJson } from '../../../../shared/domain/json-value.ts';
import { turns } from '../../../../shared/domain/judging/reading/conversation.ts';
import { traceDigest } from '../../../../shared/domain/judging/reading/digest.ts';
import { MessageLog } from '../../../../shared/domain/judging/reading/message-log.ts';
import { utterancesOf } from '../../../../shared/domain/judging/reading/messages.ts';
import { retrievals } from '../../../../shared/domain/judging/reading/retrieval.ts';
import { offeredTools, toolCalls } from '../../../../shared/domain/judging/reading/tools.ts';
import type { ScorableSpan, ScorableTrace } from '../../../../shared/domain/scorable-trace.ts';
import type { JsonValue } from '../../../../shared/domain/span.ts';
import type { SpanFacts } from '../../../../shared/domain/span-facts.ts';
import { aScorableSpan, aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';

const call = { kind: 'call', name: 'search', arguments: '{"q":"x"}' };
const asked = { kind: 'text', role: 'user', text: 'hi' };

describe('messages', () => {
  test.each<[string, JsonValue, readonly object[]]>([
    [
      'chat completions',
      {
        model: 'gpt',
        messages: [
          { role: 'user', content: 'hi' },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: '1', function: { name: 'search', arguments: '{"q": "x"}' } }],
          },
          { role: 'tool', tool_call_id: '1', content: '{"n": 1}' },
        ],
      },
      [asked, call, { kind: 'result', text: '{"n":1}' }],
    ],
    [
      'a completion',
      { choices: [{ index: 0, message: { role: 'assistant', content: 'yo' } }] },
      [{ kind: 'text', role: 'assistant', text: 'yo' }],
    ],
    [
      'Anthropic’s blocks',
      {
        system: 'Be kind.',
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'hi' }] },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'hm' },
              { type: 'tool_use', name: 'search', input: { q: 'x' } },
            ],
          },
          { role: 'user', content: [{ type: 'tool_result', content: [{ type: 'text', text: 'one' }] }] },
        ],
      },
      [{ kind: 'text', role: 'system', text: 'Be kind.' }, asked, call, { kind: 'result', text: 'one' }],
    ],
    [
      'OpenTelemetry’s parts',
      [
        { role: 'user', parts: [{ type: 'text', content: 'hi' }] },
        { role: 'assistant', parts: [{ type: 'tool_call', name: 'search', arguments: { q: 'x' } }] },
        { role: 'tool', parts: [{ type: 'tool_call_response', response: 'one' }] },
      ],
      [asked, call, { kind: 'result', text: 'one' }],
    ],
    [
      'Gemini’s contents',
      {
        contents: [
          { role: 'user', parts: [{ text: 'hi' }] },
          { role: 'model', parts: [{ functionCall: { name: 'search', args: { q: 'x' } } }] },
          { role: 'user', parts: [{ functionResponse: { name: 'search', response: { n: 1 } } }] },
        ],
        config: { system_instruction: 'Be kind.' },
      },
      [{ kind: 'text', role: 'system', text: 'Be kind.' }, asked, call, { kind: 'result', text: '{"n":1}' }],
    ],
    [
      'the Responses API',
      {
        output: [
          { type: 'reasoning', summary: [] },
          { type: 'function_call', name: 'search', arguments: '{"q":"x"}' },
          { type: 'function_call_output', output: 'one' },
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'yo' }] },
        ],
      },
      [call, { kind: 'result', text: 'one' }, { kind: 'text', role: 'assistant', text: 'yo' }],
    ],
    [
      'flattened members',
      [
        { role: 'user', content: 'hi' },
        {
          role: 'assistant',
          'tool_calls.0.tool_call.function.name': 'search',
          'tool_calls.0.tool_call.function.arguments': '{"q":"x"}',
        },
      ],
      [asked, call],
    ],
    ['LangChain’s types', [[{ type: 'human', content: 'hi' }]], [asked]],
  ])('of %s are read', (_, value, expected) => {
    expect(utterancesOf(value)).toEqual(expected);
  });

  test.each<[JsonValue]>([['hi'], [{ question: 'hi' }], [[1, 2]], [[{ a: 1 }]], [{ messages: 'hi' }], [null], [[]]])(
    'are not in %j',
    (value) => {
      expect(utterancesOf(value)).toBeUndefined();
    },
  );

  test('are new once, and twice where one history has them twice', () => {
    const [yes, no] = [
      { kind: 'text', role: 'user', text: 'yes' },
      { kind: 'text', role: 'user', text: 'no' },
    ] as const;
    const log = new MessageLog();
    expect(log.add([yes])).toEqual([yes]);
    expect(log.add([yes, no])).toEqual([no]);
    expect(log.add([yes, no, yes])).toEqual([yes]);
    expect(log.addAnswer([no], [yes, no, yes])).toEqual([no]);
    expect(log.addAnswer([no], [yes, no, yes])).toEqual([]);
  });
});

test('compact JSON keeps every digit and every blank within texts', () => {
  expect(compactJson('{ "id": 12345678901234567890, "t": "a  \\" b", "l": [ 1.10 ] }')).toBe(
    '{"id":12345678901234567890,"t":"a  \\" b","l":[1.10]}',
  );
  expect(compactJson('not json  at all')).toBe('not json  at all');
  expect(compactJson('[sic] he said "so  ')).toBe('[sic] he said "so  ');
});

let spans = 0;
function aSpan(
  facts: Omit<Partial<SpanFacts>, 'inputs' | 'outputs'> & { inputs?: unknown; outputs?: unknown },
  span: Partial<ScorableSpan['span']> = {},
): ScorableSpan {
  const text = (value: unknown) =>
    value === undefined ? {} : { text: typeof value === 'string' ? value : JSON.stringify(value) };
  const id = String(++spans).padStart(16, '0');
  return aScorableSpan({
    span: { spanId: id, parentSpanId: 'root', name: `span ${id}`, ...span },
    facts: {
      ...facts,
      inputs: facts.inputs === undefined ? undefined : (text(facts.inputs) as { text: string }),
      outputs: facts.outputs === undefined ? undefined : (text(facts.outputs) as { text: string }),
    },
  });
}

function stepsOf(trace: Partial<ScorableTrace>): string {
  return (
    traceDigest(aScorableTrace(trace as object))
      .find(({ title }) => title === 'steps')
      ?.items.join('\n') ?? ''
  );
}

describe('the digest of a trace', () => {
  const user = { role: 'user', content: 'Book a flight' };
  const calls = {
    role: 'assistant',
    content: null,
    tool_calls: [{ function: { name: 'book', arguments: '{"to":"SEA"}' } }],
  };
  const result = { role: 'tool', content: '{"id": 7}' };
  const answer = { role: 'assistant', content: 'Booked.' };

  test('tells each step once, however often spans repeat it', () => {
    const steps = stepsOf({
      inputs: [user],
      outputs: [answer],
      spans: [
        aSpan({ type: 'AGENT', inputs: [user], outputs: [answer] }, { parentSpanId: undefined }),
        aSpan({ type: 'CHAT_MODEL', inputs: [{ role: 'system', content: 'Policy' }, user], outputs: [calls] }),
        aSpan({ type: 'TOOL', inputs: { to: 'SEA' }, outputs: '{"id":7}', tool: { name: 'book', failed: false } }),
        aSpan({
          type: 'CHAT_MODEL',
          inputs: [{ role: 'system', content: 'Policy' }, user, calls, result],
          outputs: [answer],
        }),
      ],
    });
    expect(steps).toBe('system: Policy\nassistant calls book({"to":"SEA"})\ntool book → {"id":7}');
  });

  test('tells calls that are made again, each with its result', () => {
    const search = () =>
      aSpan({ type: 'TOOL', inputs: { q: 'x' }, outputs: 'same', tool: { name: 'search', failed: false } });
    expect(stepsOf({ spans: [search(), search(), search()] })).toBe(
      Array(3).fill('tool search({"q":"x"}) → same').join('\n'),
    );
  });

  test('tells what failed, and what retrievers found', () => {
    const steps = stepsOf({
      spans: [
        aSpan({ type: 'AGENT' }, { parentSpanId: undefined }),
        aSpan(
          {
            type: 'RETRIEVER',
            inputs: 'cats',
            outputs: [{ page_content: 'Cats purr.', metadata: { doc_uri: 'a.txt' } }],
          },
          { name: 'search' },
        ),
        aSpan(
          { type: 'TOOL', inputs: { a: 1 }, tool: { name: 'pay', failed: true } },
          {
            events: [
              {
                name: 'exception',
                timeUnixNano: 0n,
                attributes: { 'exception.type': 'ValueError', 'exception.message': 'no money' },
              },
            ],
          },
        ),
        aSpan({ type: 'CHAIN' }, { name: 'plan', status: { code: 'ERROR', message: 'gave up' } }),
        aSpan({ type: 'EMBEDDING', inputs: 'cats', outputs: [0.1, 0.2] }),
      ],
    });
    expect(steps).toBe(
      'search retrieved for cats:\n[1] (a.txt) Cats purr.\ntool pay({"a":1}) → failed with ValueError: no money\nplan failed with gave up',
    );
  });

  test('tells inputs and outputs that are no messages once', () => {
    const steps = stepsOf({
      inputs: { question: 'Why?' },
      spans: [
        aSpan(
          { type: 'CHAIN', inputs: { question: 'Why?' }, outputs: { a: 1 } },
          { parentSpanId: undefined, name: 'root' },
        ),
        aSpan({ type: 'CHAIN', inputs: { question: 'Why?' }, outputs: { b: 2 } }, { name: 'child' }),
        aSpan({ type: 'CHAIN', inputs: { b: 2 }, outputs: { a: 1 } }, { name: 'last' }),
      ],
    });
    expect(steps).toBe('child gave: {"b":2}');
  });
});

describe('retrievals', () => {
  test('are those of retrievers that are in no other retriever, in their order', () => {
    const outer = aSpan({
      type: 'RETRIEVER',
      outputs: ['one', { content: 'two' }, { text: 'three', metadata: { doc_uri: 'u' } }, 4],
    });
    const between = aSpan({ type: 'CHAIN' }, { parentSpanId: outer.span.spanId });
    const inner = aSpan({ type: 'RETRIEVER', outputs: ['not this'] }, { parentSpanId: between.span.spanId });
    const other = aSpan({ type: 'RETRIEVER', outputs: { documents: [{ document: { content: 'four' } }] } });
    const unreadable = aSpan({ type: 'RETRIEVER', outputs: 'just text' });
    expect(retrievals({ spans: [outer, between, inner, unreadable, other] })).toEqual([
      { spanId: outer.span.spanId, chunks: [{ text: 'one' }, { text: 'two' }, { text: 'three', uri: 'u' }] },
      { spanId: other.span.spanId, chunks: [{ text: 'four' }] },
    ]);
  });

  test('end where spans are each other’s parents', () => {
    const a = aSpan({ type: 'RETRIEVER', outputs: ['x'] }, { spanId: 'a', parentSpanId: 'b' });
    const b = aSpan({ type: 'CHAIN' }, { spanId: 'b', parentSpanId: 'a' });
    expect(retrievals({ spans: [a, b] })).toHaveLength(0);
  });
});

describe('tools', () => {
  test('that were called come in their order, without the merged ones', () => {
    const trace = {
      spans: [
        aSpan({ type: 'TOOL', inputs: { id: 1 }, outputs: 'ok', tool: { name: 'a', failed: false } }),
        aSpan({ type: 'TOOL', tool: { name: '(merged tools)', failed: false } }),
        aSpan({ type: 'TOOL', tool: { name: 'b', failed: true } }, { status: { code: 'ERROR', message: 'down' } }),
      ],
    };
    expect(toolCalls(trace)).toMatchObject([
      { name: 'a', arguments: { id: 1 }, result: 'ok', failed: false },
      { name: 'b', exception: 'down', failed: true },
    ]);
  });

  test('that were offered are found in every dialect, each once', () => {
    const schema = { type: 'object', properties: { q: { type: 'string', description: 'what' } }, required: ['q'] };
    const tool = { type: 'function', function: { name: 'search', description: 'Finds.', parameters: schema } };
    const line = '- search: Finds. Arguments: q (required, string): what';
    const dialects = [
      aSpan({ type: 'CHAT_MODEL' }, { attributes: { 'mlflow.chat.tools': JSON.stringify([tool]) } }),
      aSpan({ type: 'CHAT_MODEL' }, { attributes: { 'gen_ai.tool.definitions': JSON.stringify([tool.function]) } }),
      aSpan({ type: 'LLM' }, { attributes: { 'llm.tools.0.tool.json_schema': JSON.stringify(tool) } }),
      aSpan({
        type: 'CHAT_MODEL',
        inputs: { tools: [{ name: 'search', description: 'Finds.', input_schema: schema }] },
      }),
      aSpan({ type: 'LLM', inputs: { contents: [], config: { tools: [{ function_declarations: [tool.function] }] } } }),
    ];
    for (const span of dialects) expect(offeredTools({ spans: [span] })).toEqual([line]);
    expect(offeredTools({ spans: dialects })).toEqual([line]);
  });
});

describe('a conversation', () => {
  const itemsOf = (traces: readonly ScorableTrace[], options = {}) =>
    turns(traces, options).flatMap(({ items }) => items);

  test('of single messages has each of them, also those that are said again', () => {
    const traces = ['hello', 'yes', 'yes'].map((inputs) =>
      aScorableTrace({ inputs: { question: inputs }, outputs: 'OK.' }),
    );
    expect(itemsOf(traces)).toEqual([
      'user: hello',
      'assistant: OK.',
      'user: yes',
      'assistant: OK.',
      'user: yes',
      'assistant: OK.',
    ]);
  });

  test('whose requests carry the history is told once', () => {
    const history: JsonValue[] = [{ role: 'system', content: 'Be kind.' }];
    const traces = ['hello', 'yes', 'yes'].map((content) => {
      history.push({ role: 'user', content });
      const trace = aScorableTrace({
        inputs: { messages: [...history] },
        outputs: { role: 'assistant', content: 'OK.' },
      });
      history.push({ role: 'assistant', content: 'OK.' });
      return trace;
    });
    expect(itemsOf(traces)).toEqual([
      'system: Be kind.',
      'user: hello',
      'assistant: OK.',
      'user: yes',
      'assistant: OK.',
      'user: yes',
      'assistant: OK.',
    ]);
  });

  test('shows tool calls where they are asked for', () => {
    const spans = [aSpan({ type: 'TOOL', inputs: { q: 1 }, outputs: 'r', tool: { name: 'find', failed: false } })];
    const traces = [aScorableTrace({ inputs: 'q', outputs: 'a', spans })];
    expect(itemsOf(traces, { withTools: true })).toEqual(['user: q', 'tool find({"q":1}) → r', 'assistant: a']);
    expect(itemsOf(traces)).toEqual(['user: q', 'assistant: a']);
  });

  test('of 500 turns that all carry the history is read in a moment', () => {
    const history: JsonValue[] = [];
    const traces = Array.from({ length: 500 }, (_, i) => {
      history.push({ role: 'user', content: `question ${i}` });
      const trace = aScorableTrace({ inputs: { messages: [...history] }, outputs: `answer ${i}` });
      history.push({ role: 'assistant', content: `answer ${i}` });
      return trace;
    });
    const started = performance.now();
    expect(itemsOf(traces)).toHaveLength(1_000);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
