import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { retryAfter } from '../../../../shared/adapters/judge-failures.ts';
import { aJudgeRequest, bedrockUri, judgeModelsOn, modelOn, uris } from '../../../support/judging/judge-models-on.ts';
import { ModelServer } from '../../../support/model-server/model-server.ts';
import type { Scripted } from '../../../support/model-server/script.ts';

const server = new ModelServer();
beforeAll(() => server.listen());
afterAll(() => server.close());
beforeEach(() => server.forget());

const [, openai, anthropic] = uris;
const unavailable = (reason: string) => ({ name: 'JudgeUnavailableError', reason });
const misconfigured = (reason: string) => ({ name: 'JudgeMisconfiguredError', reason });
const rejected = { name: 'JudgeRejectedError' };
const tooLong = { name: 'ContextTooLongError' };
const timeout = { name: 'JudgeTimeoutError' };

async function failure(uri: string, fails: NonNullable<Scripted['fails']>): Promise<unknown> {
  server.script = () => ({ fails });
  return (await modelOn(server, uri)).complete(aJudgeRequest()).then(
    () => 'no failure',
    (error: unknown) => error,
  );
}

it.each([
  [bedrockUri, { status: 429 }, unavailable('throttled')],
  [bedrockUri, { status: 429, message: 'Too many tokens, please wait before trying again.' }, unavailable('throttled')],
  [bedrockUri, { status: 429, code: 'ModelNotReadyException' }, unavailable('unavailable')],
  [bedrockUri, { status: 400, code: 'ServiceQuotaExceededException' }, unavailable('throttled')],
  [bedrockUri, { status: 500 }, unavailable('unavailable')],
  [bedrockUri, { status: 503 }, unavailable('unavailable')],
  [bedrockUri, { status: 424 }, unavailable('unavailable')],
  [bedrockUri, { status: 408 }, timeout],
  [
    bedrockUri,
    { status: 403, message: "You don't have access to the model with the specified model ID." },
    misconfigured('credentials'),
  ],
  [
    bedrockUri,
    {
      status: 403,
      message: 'Model access is denied due to INVALID_PAYMENT_INSTRUMENT: a valid payment instrument must be provided.',
    },
    misconfigured('exhausted-account'),
  ],
  [bedrockUri, { status: 403, code: 'UnrecognizedClientException' }, misconfigured('credentials')],
  [
    bedrockUri,
    { status: 404, message: 'This model version has reached the end of its life.' },
    misconfigured('unknown-model'),
  ],
  [bedrockUri, { status: 400, message: 'The provided model identifier is invalid.' }, misconfigured('unknown-model')],
  [
    bedrockUri,
    { status: 400, message: 'Invocation of model ID x with on-demand throughput isn’t supported.' },
    misconfigured('unknown-model'),
  ],
  [bedrockUri, { status: 400, message: 'Input is too long for requested model.' }, tooLong],
  [
    bedrockUri,
    {
      status: 400,
      message: 'The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum',
    },
    tooLong,
  ],
  [bedrockUri, { status: 400, message: 'The text field in the ContentBlock object is blank.' }, rejected],
  [openai, { status: 429 }, unavailable('throttled')],
  [
    openai,
    {
      status: 429,
      code: 'rate_limit_exceeded',
      message:
        'Request too large for gpt-4.1-mini on tokens per min (TPM): Limit 30000, Requested 41003. The input or output tokens must be reduced in order to run successfully.',
    },
    tooLong,
  ],
  [openai, { status: 429, code: 'insufficient_quota' }, misconfigured('exhausted-account')],
  [openai, { status: 500 }, unavailable('unavailable')],
  [openai, { status: 503 }, unavailable('unavailable')],
  [openai, { status: 408 }, timeout],
  [openai, { status: 401 }, misconfigured('credentials')],
  [openai, { status: 403, code: 'unsupported_country_region_territory' }, misconfigured('credentials')],
  [openai, { status: 404 }, misconfigured('unknown-model')],
  [openai, { status: 400, message: 'The model `gpt-9` does not exist' }, misconfigured('unknown-model')],
  [openai, { status: 400, code: 'context_length_exceeded' }, tooLong],
  [openai, { status: 400, message: "This model's maximum context length is 8192 tokens." }, tooLong],
  [openai, { status: 413 }, tooLong],
  [openai, { status: 400, message: 'Invalid body: failed to parse JSON value.' }, rejected],
  [openai, { status: 422, message: 'Input should be a valid string' }, rejected],
  [openai, { status: 400, code: 'unsupported_parameter' }, misconfigured('rejected-request')],
  [openai, { status: 405 }, misconfigured('rejected-request')],
  [openai, { status: 307 }, misconfigured('rejected-request')],
  [anthropic, { status: 429 }, unavailable('throttled')],
  [anthropic, { status: 529 }, unavailable('unavailable')],
  [anthropic, { status: 500 }, unavailable('unavailable')],
  [anthropic, { status: 504 }, unavailable('unavailable')],
  [anthropic, { status: 401 }, misconfigured('credentials')],
  [anthropic, { status: 403 }, misconfigured('credentials')],
  [anthropic, { status: 404 }, misconfigured('unknown-model')],
  [anthropic, { status: 402 }, misconfigured('exhausted-account')],
  [
    anthropic,
    { status: 400, message: 'Your credit balance is too low to access the Anthropic API.' },
    misconfigured('exhausted-account'),
  ],
  [anthropic, { status: 400, message: 'prompt is too long: 208310 tokens > 200000 maximum' }, tooLong],
  [anthropic, { status: 413 }, tooLong],
  [
    anthropic,
    { status: 400, message: 'The request body is not valid JSON: no low surrogate in string: line 1 column 2' },
    rejected,
  ],
] as const)('%s: %o is %o', async (uri, fails, expected) => {
  expect(await failure(uri, fails)).toMatchObject({ ...expected, message: expect.stringContaining(uri) });
});

describe.each(uris)('%s', (uri) => {
  it('says how long to wait where the provider does', async () => {
    expect(await failure(uri, { status: 429, headers: { 'retry-after': '7' } })).toMatchObject({ retryAfterMs: 7_000 });
    expect(await failure(uri, { status: 503 })).toMatchObject({ retryAfterMs: undefined });
  });

  it('is asked once: when to ask again is not for the adapter to say', async () => {
    await failure(uri, { status: 503 });
    expect(server.asked).toHaveLength(1);
  });

  it('is given up after its time', async () => {
    server.script = () => ({ delayMs: 3_000 });
    const model = await modelOn(server, uri, { config: { timeoutSeconds: 1 } });
    await expect(model.complete(aJudgeRequest())).rejects.toMatchObject({
      ...timeout,
      message: `${uri} did not answer within 1 s`,
    });
  });

  it('is given up when whoever asks has no time left, which is no failure of the model', async () => {
    server.script = () => ({ delayMs: 3_000 });
    const model = await modelOn(server, uri, { config: { timeoutSeconds: 1 } });
    const beganAt = Date.now();
    const failure = await model.complete(aJudgeRequest({ until: beganAt + 200 })).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'JudgeOutOfTimeError',
      beganAt: expect.toSatisfy((at: number) => at >= beganAt && at <= beganAt + 200),
    });
    expect(Date.now() - beganAt).toBeLessThan(900);
    await expect(model.complete(aJudgeRequest({ until: Date.now() + 60_000 }))).rejects.toMatchObject(timeout);
  });

  it.each(['truncated', 'hung-up'] as const)('whose reply is %s is unavailable, and may be billed', async (damage) => {
    server.script = () => ({ damage });
    await expect((await modelOn(server, uri)).complete(aJudgeRequest())).rejects.toMatchObject({
      ...unavailable('unavailable'),
      call: 'begun',
    });
  });

  it('whose reply says nothing is unavailable, and may be billed', async () => {
    const empty = createServer((_, response) => response.setHeader('content-type', 'application/json').end('{}'));
    await new Promise<void>((resolve) => empty.listen(0, '127.0.0.1', resolve));
    const { port } = empty.address() as AddressInfo;
    const model = await judgeModelsOn({ url: `http://127.0.0.1:${port}` })().resolve(uri);
    await expect(model.complete(aJudgeRequest())).rejects.toMatchObject({
      ...unavailable('unavailable'),
      call: 'begun',
    });
    empty.closeAllConnections();
    await new Promise((resolve) => empty.close(resolve));
  });

  it('that refuses is not billed', async () => {
    expect(await failure(uri, { status: 503 })).toMatchObject({ call: 'refused' });
  });

  it('is unavailable where nothing listens', async () => {
    const closed = await new ModelServer().listen();
    const { url } = closed;
    await closed.close();
    const model = await judgeModelsOn({ url })().resolve(uri);
    await expect(model.complete(aJudgeRequest())).rejects.toMatchObject({
      ...unavailable('unavailable'),
      call: 'refused',
    });
  });
});

it.each([
  { code: 'content_filter', message: 'filtered' },
  { code: 'content_policy_violation', message: 'filtered' },
  {
    code: 'invalid_prompt',
    message: 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.',
  },
  { code: '400', message: 'OpenAIException - your prompt was flagged as potentially violating our usage policy.' },
])('takes a prompt that a filter stopped ($code) for a refusal, not for a mistake', async ({ code, message }) => {
  server.script = () => ({ fails: { status: 400, code, message } });
  expect(await (await modelOn(server, openai)).complete(aJudgeRequest())).toEqual({
    text: message,
    toolCalls: [],
    stop: 'refused',
    usage: { inputTokens: 0, outputTokens: 0 },
  });
});

describe('a parameter of the scorer that the provider refuses', () => {
  const refusals = [
    [bedrockUri, { top_p: 3 }, 'The value at inferenceConfig.topP is invalid.'],
    [bedrockUri, { stop: ['\n'] }, 'Invalid value at inferenceConfig.stopSequences.'],
    [openai, { logprobs: 3 }, "Unsupported parameter: 'logprobs'"],
    [anthropic, { temperature: 7 }, 'temperature: range: 0..1'],
    [anthropic, { reasoning_effort: 'x' }, "output_config.effort: Input should be 'low', 'medium' or 'high'"],
  ] as const;
  const ask = async (uri: string, message: string, given: Parameters<typeof aJudgeRequest>[0]) => {
    server.script = () => ({ fails: { status: 400, message } });
    return (await modelOn(server, uri)).complete(aJudgeRequest(given));
  };

  it.each(refusals)('is one that every trace would meet: %s %o', async (uri, parameters, message) => {
    await expect(ask(uri, message, { parameters })).rejects.toMatchObject(misconfigured('rejected-request'));
  });

  it.each(refusals)(
    'is not one that it does not set, nor one that the trace may be quoted with',
    async (uri, parameters, message) => {
      await expect(ask(uri, message, { parameters: { max_tokens: 50 } })).rejects.toMatchObject(rejected);
      const text = `Why does it answer "${message}"?`;
      await expect(ask(uri, message, { parameters, messages: [{ role: 'user', text }] })).rejects.toMatchObject(
        rejected,
      );
    },
  );
});

it.each([
  [{ 'retry-after': '1.5' }, 1_500],
  [{ 'retry-after': '20', 'retry-after-ms': '250' }, 250],
  [{ 'retry-after': 'Sat, 21 Nov 2026 12:00:30 GMT' }, 30_000],
  [{ 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' }, 0],
  [{ 'retry-after': 'soon' }, undefined],
  // Seconds since 1970, as some gateways have it; a quarter of an hour is the most that anyone waits unasked.
  [{ 'retry-after': '1795262400' }, 900_000],
  [{ 'retry-after-ms': '86400000' }, 900_000],
  [{ 'retry-after': 'Sun, 22 Nov 2026 12:00:00 GMT' }, 900_000],
  [{}, undefined],
])('reads %o as %s ms', (headers: Record<string, string>, expected) => {
  expect(retryAfter((name) => headers[name], Date.parse('2026-11-21T12:00:00Z'))).toBe(expected);
});
