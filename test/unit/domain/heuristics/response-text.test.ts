import { describe, expect, test } from 'vitest';
import { allText, responseText } from '../../../../shared/domain/heuristics/response-text.ts';
import type { JsonValue } from '../../../../shared/domain/span.ts';

describe('the text of a response', () => {
  test.each<[string, JsonValue, string | undefined]>([
    ['a text', 'Paris', 'Paris'],
    ['a chat completion', { id: 'c', choices: [{ message: { role: 'assistant', content: 'Paris' } }] }, 'Paris'],
    [
      'messages',
      {
        messages: [
          { role: 'user', content: 'Capital?' },
          { role: 'assistant', content: 'Paris' },
        ],
      },
      'Paris',
    ],
    [
      'the Responses API',
      {
        output: [
          { type: 'reasoning' },
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Paris' }] },
        ],
      },
      'Paris',
    ],
    [
      'an Anthropic message',
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Paris' },
          { type: 'tool_use', name: 'map' },
        ],
      },
      'Paris',
    ],
    [
      'OpenTelemetry message parts',
      [{ role: 'assistant', parts: [{ type: 'text', content: 'Paris' }], finish_reason: 'stop' }],
      'Paris',
    ],
    [
      'a Gemini answer',
      { candidates: [{ content: { role: 'model', parts: [{ text: 'hm', thought: true }, { text: 'Paris' }] } }] },
      'Paris',
    ],
    ['an ADK event', { model_version: 'g', content: { role: 'model', parts: [{ text: 'Paris' }] } }, 'Paris'],
    ['a list of one', ['Paris'], 'Paris'],
    ['an object that holds one text', { answer: 'Paris' }, 'Paris'],
    ['any other object', { city: 'Paris', score: 1 }, '{"city":"Paris","score":1}'],
    ['a list of texts', ['Paris', 'Lyon'], '["Paris","Lyon"]'],
    ['a number', 42, '42'],
    ['nothing', null, undefined],
    ['an empty text', '', ''],
    ['an answer without choices', { choices: [] }, '{"choices":[]}'],
  ])('is found in %s', (_what, outputs, text) => {
    expect(responseText(outputs)).toBe(text);
  });
});

describe('all text of a value', () => {
  test('comes from any depth, with the key that says what it is', () => {
    const value = { user: { ssn: '1', tags: ['a', { b: 2 }] }, ok: true, none: null };
    expect(allText(value)).toBe('ssn: 1\ntags: a\nb: 2');
  });

  test('does not overflow on deep nesting', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}"end"${']'.repeat(5000)}`);
    expect(allText(deep)).toBe('end');
  });
});
