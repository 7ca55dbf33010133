import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ModelServer } from '../../support/model-server/model-server.ts';

const server = new ModelServer();
beforeAll(() => server.listen());
afterAll(() => server.close());
beforeEach(() => server.forget());

const user = { role: 'user', content: 'u' };
const turn = (text: string) => ({ role: 'user', content: [{ text }] });
const loose = { type: 'object', properties: { a: { type: 'number', minimum: 1 } } };
const format = (schema: object, strict = true) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'v', strict, schema } },
});
const structure = (schema: object) => ({
  textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'v', schema: JSON.stringify(schema) } } },
});

/** What a judge would have found out from its provider alone. */
it.each([
  ['/model/m/converse', { messages: [turn('u')], max_tokens: 5 }, 'max_tokens: unknown'],
  [
    '/model/m/converse',
    { messages: [turn('u')], inferenceConfig: { maxTokens: '5' } },
    'inferenceConfig.maxTokens: expected number',
  ],
  ['/model/m/converse', { messages: [{ role: 'user' }] }, 'messages.0.content: missing'],
  [
    '/model/m/converse',
    { messages: [{ role: 'user', content: [{ text: 'a', cachePoint: { type: 'default' } }] }] },
    'expected one member',
  ],
  ['/model/m/converse', { messages: [turn('a'), turn('b')] }, 'roles must alternate'],
  ['/model/m/converse', { messages: [turn(' ')] }, 'non-whitespace'],
  ['/model/m/converse', { messages: [turn('u')], outputConfig: structure(loose) }, 'minimum is not supported'],
  ['/v1/chat/completions', { model: 'm', messages: [user], maxTokens: 5 }, 'Unrecognized key'],
  [
    '/v1/chat/completions',
    { model: 'm', messages: [{ role: 'tool', tool_call_id: 'x', content: 'r' }] },
    'no call x was made',
  ],
  [
    '/v1/chat/completions',
    { model: 'm', messages: [user], ...format({ ...loose, additionalProperties: false }) },
    'a must be required',
  ],
  ['/v1/messages', { model: 'm', messages: [user] }, 'max_tokens'],
  ['/v1/messages', { model: 'm', max_tokens: 5, messages: [{ role: 'system', content: 's' }] }, 'messages.0.role'],
  ['/v1/messages', { model: 'm', max_tokens: 5, messages: [user] }, 'anthropic-version'],
])('refuses at %s what its provider refuses: %o', async (path, body, problem) => {
  const reply = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(body) });
  expect([reply.status, await reply.text()]).toEqual([400, expect.stringContaining(problem)]);
  expect(server.refused).toHaveLength(1);
  expect(server.asked).toEqual([]);
});
