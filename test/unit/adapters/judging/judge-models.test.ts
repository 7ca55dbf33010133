import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JudgeMessage, JudgeTool } from '../../../../shared/domain/judging/judge-model.ts';
import {
  aJudgeRequest,
  bedrockUri,
  judgeModelsOn,
  modelOn,
  testKey,
  uris,
} from '../../../support/judging/judge-models-on.ts';
import { ModelServer } from '../../../support/model-server/model-server.ts';

const server = new ModelServer();
beforeAll(() => server.listen());
afterAll(() => server.close());
beforeEach(() => server.forget());

const verdict = { result: 'no', rationale: 'rude' };

const lookUp: JudgeTool = {
  name: 'get_span',
  description: 'Shows a span.',
  parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], additionalProperties: false },
};

/** A model that has looked something up, and is then told to hurry. */
const exploration: readonly JudgeMessage[] = [
  { role: 'user', text: 'Was it polite?' },
  {
    role: 'assistant',
    text: '',
    toolCalls: [
      { id: 'a1', name: 'get_span', arguments: { id: '1' } },
      { id: 'a2', name: 'get_span', arguments: 'garbled' },
    ],
  },
  {
    role: 'tool',
    results: [
      { id: 'a1', name: 'get_span', text: 'span 1' },
      { id: 'a2', name: 'get_span', text: 'error: no span' },
    ],
  },
  { role: 'user', text: 'Answer now.' },
];

describe.each(uris)('%s', (uri) => {
  it('answers with the JSON that the schema asks for, and what it used', async () => {
    server.script = () => ({ verdict, usage: { input: 100, output: 20, cacheRead: 30, cacheWrite: 4 } });
    const model = await modelOn(server, uri);
    expect(model.uri).toBe(uri);
    const answer = await model.complete(aJudgeRequest());
    expect(JSON.parse(answer.text)).toEqual(verdict);
    expect(answer).toMatchObject({ toolCalls: [], stop: 'end' });
    expect(answer.usage).toMatchObject({ inputTokens: 134, outputTokens: 20, cacheReadTokens: 30 });
  });

  it('asks by structured output, within the bound on tokens, with the system text apart', async () => {
    await (await modelOn(server, uri)).complete(aJudgeRequest());
    expect(server.asked).toEqual([
      expect.objectContaining({
        model: uri.split(':/')[1],
        system: 'You judge.',
        text: 'Was it polite?',
        schema: aJudgeRequest().schema,
        maxTokens: 300,
        tools: [],
      }),
    ]);
  });

  it('passes on what it called, and what the tools answered', async () => {
    server.script = ({ toolResults }) =>
      toolResults === 0 ? { toolCalls: [{ name: 'get_span', arguments: { id: '1' } }] } : { verdict };
    const model = await modelOn(server, uri);
    const first = await model.complete(aJudgeRequest({ tools: [lookUp] }));
    expect(first).toMatchObject({
      toolCalls: [{ id: expect.any(String), name: 'get_span', arguments: { id: '1' } }],
      stop: 'end',
    });
    const second = await model.complete(aJudgeRequest({ tools: [lookUp], messages: exploration }));
    expect(JSON.parse(second.text)).toEqual(verdict);
    expect(server.asked[1]?.toolResults).toBe(2);
    expect(JSON.stringify(server.asked[1]?.body)).toContain('Answer now.');
  });

  it('takes back its useless answer and the complaint about it, even when it said nothing', async () => {
    const messages: readonly JudgeMessage[] = [
      { role: 'user', text: 'Was it polite?' },
      { role: 'assistant', text: ' ', toolCalls: [] },
      { role: 'user', text: 'Answer again.' },
    ];
    await (await modelOn(server, uri)).complete(aJudgeRequest({ messages }));
    expect(server.refused).toEqual([]);
    expect(server.asked[0]?.text).toBe('Answer again.');
  });

  it('tells an answer that was cut off, and one that was refused', async () => {
    const model = await modelOn(server, uri);
    server.script = () => ({ verdict, isCutOff: true });
    const cutOff = await model.complete(aJudgeRequest());
    expect(cutOff.stop).toBe('length');
    expect(() => JSON.parse(cutOff.text)).toThrow();
    server.script = () => ({ isRefused: true });
    expect(await model.complete(aJudgeRequest())).toMatchObject({ stop: 'refused', text: "I can't help with that." });
  });

  it('hands over what is no JSON, or a value that may not be, as it is: whoever asked repairs', async () => {
    server.script = () => ({ text: 'Polite, I think: {"result": "perhaps"}' });
    expect(await (await modelOn(server, uri)).complete(aJudgeRequest())).toMatchObject({
      text: 'Polite, I think: {"result": "perhaps"}',
      stop: 'end',
    });
  });

  it('asks by a tool where the model has no structured output, and by the prompt alone where it has no tools either', async () => {
    server.script = () => ({ verdict });
    const byTool = await modelOn(server, uri, { config: { models: { [uri]: { output: 'tool' } } } });
    expect(await byTool.complete(aJudgeRequest())).toMatchObject({ text: JSON.stringify(verdict), toolCalls: [] });
    expect(server.asked[0]).toMatchObject({ answerTool: 'submit_answer', schema: aJudgeRequest().schema });
    const plain = await modelOn(server, uri, { config: { models: { [uri]: { output: 'text' } } } });
    await plain.complete(aJudgeRequest());
    expect(server.asked[1]).toMatchObject({ answerTool: undefined, schema: undefined, tools: [] });
  });

  it('lets a model without structured output choose between looking further and answering', async () => {
    const config = { models: { [uri]: { output: 'tool' } } };
    const model = await modelOn(server, uri, { config });
    server.script = () => ({ toolCalls: [{ name: 'get_span', arguments: {} }] });
    expect((await model.complete(aJudgeRequest({ tools: [lookUp] }))).toolCalls).toHaveLength(1);
    server.script = () => ({ verdict });
    expect(await model.complete(aJudgeRequest({ tools: [lookUp] }))).toMatchObject({
      text: JSON.stringify(verdict),
      toolCalls: [],
    });
    expect(server.asked.map(({ tools }) => tools)).toEqual([
      ['get_span', 'submit_answer'],
      ['get_span', 'submit_answer'],
    ]);
  });

  it('takes the next form where a model turns out not to take one, and remembers it for that schema', async () => {
    server.script = ({ answerTool, schema }) => {
      if (schema === undefined) return { text: JSON.stringify(verdict) };
      const message = answerTool
        ? 'This model doesn’t support tool use.'
        : 'json_schema is not supported by this model';
      return { fails: { status: 400, message } };
    };
    const model = await modelOn(server, uri);
    for (let i = 0; i < 2; i++) expect(JSON.parse((await model.complete(aJudgeRequest())).text)).toEqual(verdict);
    expect(server.asked).toHaveLength(4);
  });

  it('does not think less of a model because of one request that it takes in no form', async () => {
    server.script = ({ text }) =>
      text === 'bad' ? { fails: { status: 400, message: 'a tool in this schema?' } } : { verdict };
    const model = await modelOn(server, uri);
    await expect(model.complete(aJudgeRequest({ messages: [{ role: 'user', text: 'bad' }] }))).rejects.toThrow('tool');
    await model.complete(aJudgeRequest());
    expect(server.asked.at(-1)?.answerTool).toBeUndefined();
    expect(server.asked.at(-1)?.schema).toEqual(aJudgeRequest().schema);
  });

  it('is sent no half of a character, wherever it stands', async () => {
    const [half, other] = ['\ud83d', '\udc27'];
    const messages: readonly JudgeMessage[] = [
      { role: 'user', text: `penguin ${half}` },
      { role: 'assistant', text: `${other}?`, toolCalls: [{ id: 'a', name: 'get_span', arguments: { id: half } }] },
      { role: 'tool', results: [{ id: 'a', name: 'get_span', text: `🐧${other}` }] },
    ];
    const schema = { ...aJudgeRequest().schema, description: half };
    const parameters = { stop: [half] };
    const model = await modelOn(server, uri);
    await model.complete(aJudgeRequest({ system: half, messages, schema, parameters, tools: [lookUp] }));
    const sent = JSON.stringify(server.asked[0]?.body);
    expect(sent).not.toMatch(/\\ud83d|\\udc27/i);
    expect(sent).toContain('🐧\ufffd');
  });

  it('passes the scorer’s parameters on, which may lower the bound on tokens and not raise it', async () => {
    const model = await modelOn(server, uri);
    await model.complete(
      aJudgeRequest({ parameters: { temperature: 0.5, top_p: 0.9, stop: 'END', max_tokens: 100, seed: null } }),
    );
    await model.complete(aJudgeRequest({ parameters: { max_tokens: 100_000 } }));
    expect(server.refused).toEqual([]);
    expect(JSON.stringify(server.asked[0]?.body)).toMatch(/"temperature":0.5/);
    expect(JSON.stringify(server.asked[0]?.body)).toMatch(/"END"/);
    expect(server.asked.map(({ maxTokens }) => maxTokens)).toEqual([100, 300]);
  });

  it('refuses a parameter that would break the judgement', async () => {
    const model = await modelOn(server, uri);
    await expect(model.complete(aJudgeRequest({ parameters: { stream: true } }))).rejects.toMatchObject({
      name: 'JudgeMisconfiguredError',
      reason: 'rejected-request',
      message: expect.stringContaining("'stream'"),
    });
    expect(server.asked).toEqual([]);
    // Not to be mistaken for a model that has no structured output.
    await expect(model.complete(aJudgeRequest({ parameters: { response_format: {} } }))).rejects.toThrow(
      'cannot be set',
    );
    await model.complete(aJudgeRequest());
    expect(server.asked[0]).toMatchObject({ schema: aJudgeRequest().schema, answerTool: undefined });
  });

  it('keeps fifty calls in flight at once', async () => {
    server.script = () => ({ delayMs: 300, verdict });
    const model = await modelOn(server, uri);
    await Promise.all(Array.from({ length: 50 }, () => model.complete(aJudgeRequest())));
    expect(server.mostInFlight).toBe(50);
  });
});

describe('a model that thinks', () => {
  it.each([
    ['openai:/gpt-5-mini', { reasoning_effort: 'low' }],
    ['anthropic:/claude-sonnet-5-5', { output_config: expect.objectContaining({ effort: 'low' }) }],
    ['bedrock:/openai.gpt-oss-20b-1:0', { additionalModelRequestFields: { reasoning_effort: 'low' } }],
    ['bedrock:/us.anthropic.claude-sonnet-5-5', { outputConfig: expect.objectContaining({ effort: 'low' }) }],
  ])('gets room for it beside the answer, and is asked for little: %s', async (uri, body) => {
    const model = await modelOn(server, uri, { config: { models: { [uri]: { thinkingTokens: 700 } } } });
    await model.complete(aJudgeRequest());
    expect(server.asked[0]).toMatchObject({ maxTokens: 1_000, body });
    // Budgets reserve it.
    expect(model.thinkingTokens).toBe(700);
  });

  it('is not sent a temperature that it would refuse', async () => {
    await (await modelOn(server, 'openai:/gpt-5-mini')).complete(aJudgeRequest({ parameters: { temperature: 0 } }));
    expect(server.asked[0]?.body).not.toHaveProperty('temperature');
  });
});

describe('what can be cached', () => {
  const system = 'rubric '.repeat(4_000);

  it.each([
    [bedrockUri, (body: object) => JSON.stringify(body).split('"cachePoint"').length - 1],
    ['anthropic:/claude-haiku-4-5', (body: object) => JSON.stringify(body).split('"cache_control"').length - 1],
  ])('is marked where it is long enough: %s', async (uri, marks) => {
    const model = await modelOn(server, uri);
    await model.complete(aJudgeRequest());
    await model.complete(aJudgeRequest({ system }));
    await model.complete(aJudgeRequest({ system, tools: [lookUp], messages: exploration }));
    expect(server.refused).toEqual([]);
    expect(server.asked.map(({ body }) => marks(body))).toEqual([0, 1, 2]);
  });
});

describe('an endpoint that speaks OpenAI’s API', () => {
  it('is a provider of its own, with its headers and its key, and keeps its query', async () => {
    const vllm = {
      api: 'openai',
      baseUrl: `${server.url}/serving/v1/?api-version=3`,
      secret: 'x',
      keyHeader: 'api-key',
      headers: { 'x-team': 'qa' },
    };
    const model = await modelOn(server, 'vllm:/qwen3-32b', { config: { providers: { vllm } } });
    await model.complete(aJudgeRequest());
    expect(server.asked[0]).toMatchObject({ provider: 'openai', model: 'qwen3-32b', key: testKey });
    // Names of today's API are unknown to many servers.
    expect(server.asked[0]?.body).toMatchObject({ max_tokens: 300 });
    expect(server.asked[0]?.body).not.toHaveProperty('store');
  });

  it('needs no key where none is configured', async () => {
    const providers = { local: { api: 'openai', baseUrl: `${server.url}/v1`, secret: null } };
    await (await modelOn(server, 'local:/llama', { config: { providers } })).complete(aJudgeRequest());
    expect(server.asked[0]?.key).toBe('');
  });
});

describe('a key', () => {
  it.each(['openai:/gpt-4.1-mini', 'anthropic:/claude-haiku-4-5'])(
    'that was replaced is read anew and tried once: %s',
    async (uri) => {
      server.script = ({ key }) => (key === 'sk-new-key' ? { verdict } : { fails: { status: 401 } });
      const key = async ({ isFresh = false } = {}) => (isFresh ? 'sk-new-key' : 'sk-old-key');
      expect(JSON.parse((await (await modelOn(server, uri, { key })).complete(aJudgeRequest())).text)).toEqual(verdict);
      expect(server.asked.map((asked) => asked.key)).toEqual(['sk-old-key', 'sk-new-key']);
    },
  );

  it.each(['openai:/gpt-4.1-mini', 'anthropic:/claude-haiku-4-5'])(
    'stands in no error, though the provider quotes it: %s',
    async (uri) => {
      server.script = ({ key }) => ({
        fails: { status: 401, message: `Incorrect API key provided: ${key} (sk-test-***cdef, Bearer ${key})` },
      });
      const error = await (await modelOn(server, uri)).complete(aJudgeRequest()).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ name: 'JudgeMisconfiguredError', reason: 'credentials' });
      const everything =
        JSON.stringify(error, Object.getOwnPropertyNames(error)) +
        String((error as Error).stack) +
        String((error as Error).cause);
      expect(everything).not.toMatch(/sk-test|cdef/);
    },
  );

  it.each(['hung-up', 'truncated'] as const)('stands in no error of a connection that broke (%s)', async (damage) => {
    server.script = () => ({ damage });
    const error = await (await modelOn(server, 'openai:/gpt-4.1-mini'))
      .complete(aJudgeRequest())
      .catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ name: 'JudgeUnavailableError', reason: 'unavailable' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(testKey);
  });
});

describe('a model is found', () => {
  const config = {
    default: bedrockUri,
    aliases: { 'gateway:/fast': 'openai:/gpt-4.1-mini', databricks: bedrockUri },
  };

  it.each([
    [undefined, undefined, bedrockUri],
    [undefined, 'anthropic:/claude-haiku-4-5', 'anthropic:/claude-haiku-4-5'],
    ['openai:/gpt-4o', 'anthropic:/claude-haiku-4-5', 'openai:/gpt-4o'],
    ['gateway:/fast', undefined, 'openai:/gpt-4.1-mini'],
    ['databricks', undefined, bedrockUri],
    [undefined, 'gateway:/fast', 'openai:/gpt-4.1-mini'],
  ])('by the scorer’s URI, else the experiment’s, else the stage’s: %s, %s', async (asked, ofExperiment, expected) => {
    expect((await judgeModelsOn(server, { config })(ofExperiment).resolve(asked)).uri).toBe(expected);
  });

  it('once, whoever asks for it', async () => {
    const models = judgeModelsOn(server, { config });
    expect(await models('gateway:/fast').resolve(undefined)).toBe(await models().resolve('openai:/gpt-4.1-mini'));
  });

  it.each([
    ['gateway:/slow', 'neither an alias gateway:/slow nor a provider gateway'],
    ['mistral:/large', 'nor a provider mistral'],
    ['bedrock:/amazon.titan', 'name it neither as default, nor as an alias, nor under models'],
    ['gpt-4o', 'is no model URI: expected <provider>:/<model>'],
  ])('or it is said what is missing: %s', async (uri, message) => {
    await expect(modelOn(server, uri)).rejects.toMatchObject({
      name: 'JudgeMisconfiguredError',
      reason: 'unknown-model',
      message: expect.stringContaining(message),
    });
  });

  it('or that no one has named one', async () => {
    await expect(judgeModelsOn(server)().resolve(undefined)).rejects.toThrow(
      /tag assay.judgeModel.*judgeModels.default/,
    );
  });

  it('with a context that configuration may correct', async () => {
    const models = { 'openai:/mine': { contextTokens: 64_000 } };
    expect((await modelOn(server, 'openai:/mine')).contextTokens).toBe(32_000);
    expect((await modelOn(server, 'openai:/mine', { config: { models } })).contextTokens).toBe(64_000);
  });
});
