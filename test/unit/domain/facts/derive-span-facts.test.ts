import { describe, expect, it } from 'vitest';
import { deriveSpanFacts } from '../../../../shared/domain/facts/derive-span-facts.ts';
import type { Attributes } from '../../../../shared/domain/span.ts';
import { aSpan } from '../../../support/builders/a-span.ts';

const factsOf = (attributes: Attributes) => deriveSpanFacts(aSpan({ attributes }));

describe('deriveSpanFacts', () => {
  it.each<[string, Attributes, string]>([
    ['MLflow', { 'mlflow.spanType': '"AGENT"' }, 'AGENT'],
    ['MLflow without quotes', { 'mlflow.spanType': 'RETRIEVER' }, 'RETRIEVER'],
    ['OpenInference', { 'openinference.span.kind': 'LLM' }, 'LLM'],
    ['OTel GenAI', { 'gen_ai.operation.name': 'execute_tool' }, 'TOOL'],
    ['Traceloop', { 'traceloop.span.kind': 'workflow' }, 'WORKFLOW'],
    ['none', { 'http.method': 'GET' }, 'UNKNOWN'],
    ['a name that every object has', { 'gen_ai.operation.name': 'constructor' }, 'UNKNOWN'],
  ])('knows the type in the dialect of %s', (_, attributes, type) => {
    expect(factsOf(attributes).type).toBe(type);
  });

  it('takes a text verbatim from its attribute and says which', () => {
    const inputs = '{"question": "why?"}';
    expect(factsOf({ 'input.value': inputs }).inputs).toEqual({ text: inputs, attribute: 'input.value' });
  });

  it('writes structured values as JSON with exact integers', () => {
    expect(factsOf({ 'mlflow.spanOutputs': { id: 9_007_199_254_740_993n, ok: true } }).outputs?.text).toBe(
      '{"id":9007199254740993,"ok":true}',
    );
  });

  it('reads the messages of older conventions from events', () => {
    const event = (name: string, content: string) => ({ timeUnixNano: 1n, name, attributes: { content } });
    const facts = deriveSpanFacts(
      aSpan({ events: [event('gen_ai.user.message', 'hi'), event('gen_ai.choice', 'hello')] }),
    );
    expect(JSON.parse(facts.inputs?.text ?? '')).toEqual([{ role: 'user', content: 'hi' }]);
    expect(JSON.parse(facts.outputs?.text ?? '')).toEqual([{ role: 'assistant', content: 'hello' }]);
  });

  it('reads messages of the event with the details of an operation', () => {
    const messages = '[{"role":"user"}]';
    const attributes = { 'gen_ai.input.messages': messages };
    const name = 'gen_ai.client.inference.operation.details';
    expect(deriveSpanFacts(aSpan({ events: [{ timeUnixNano: 1n, name, attributes }] })).inputs).toEqual({
      text: messages,
    });
  });

  it('puts lists that are spread over attributes together, in the order of their numbers', () => {
    const facts = factsOf({
      'retrieval.documents.10.document.content': 'last',
      'retrieval.documents.2.document.content': 'first',
    });
    expect(JSON.parse(facts.outputs?.text ?? '')).toEqual([{ content: 'first' }, { content: 'last' }]);
  });

  it.each<[string, Attributes]>([
    [
      'OTel GenAI',
      { 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 5, 'gen_ai.usage.cache_read.input_tokens': 4 },
    ],
    [
      'OTel GenAI before 1.27',
      {
        'gen_ai.usage.prompt_tokens': 10,
        'gen_ai.usage.completion_tokens': 5,
        'gen_ai.usage.cache_read_input_tokens': 4,
      },
    ],
    [
      'OpenInference',
      {
        'llm.token_count.prompt': 10n,
        'llm.token_count.completion': 5n,
        'llm.token_count.prompt_details.cache_read': 4n,
      },
    ],
    [
      'MLflow',
      {
        'mlflow.chat.tokenUsage': '{"input_tokens":10,"output_tokens":5,"total_tokens":15,"cache_read_input_tokens":4}',
      },
    ],
  ])('counts tokens in the dialect of %s', (_, attributes) => {
    expect(factsOf(attributes).tokens).toEqual({
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 15,
      cacheReadInputTokens: 4,
    });
  });

  it('believes the cost that the sender reports above its own', () => {
    const facts = factsOf({
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.usage.input_tokens': 1_000_000,
      'mlflow.llm.cost': '{"input_cost":1,"output_cost":2,"total_cost":3}',
    });
    expect(facts.cost).toEqual({ inputCost: 1, outputCost: 2, totalCost: 3 });
  });

  it.each([
    ['Error: no such flight', true],
    ['{"error": "timeout"}', true],
    ['{"error": null, "rows": []}', false],
    ['Errors are rare', false],
    ['booked', false],
  ])('takes the tool result %j as failed: %s', (result, failed) => {
    const facts = factsOf({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'book',
      'gen_ai.tool.call.result': result,
    });
    expect(facts.tool).toEqual({ name: 'book', failed });
  });
});
