import type { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { secretsManagerKeys } from '../../../../shared/adapters/secrets-manager-keys.ts';

/** A store whose secret can be changed, or that fails. */
function aStore(value: string | Error) {
  const store = { value, reads: [] as (string | undefined)[], time: 0 };
  const client = {
    async send({ input }: GetSecretValueCommand) {
      store.reads.push(input.SecretId);
      if (store.value instanceof Error) throw store.value;
      return { SecretString: store.value };
    },
  } as unknown as SecretsManagerClient;
  return { store, read: secretsManagerKeys(client, { now: () => store.time })('assay/Test/openai') };
}

function awsError(name: string, message = 'no'): Error {
  return Object.assign(new Error(message), { name });
}

it.each(['sk-key', 'sk-key\n', '{"apiKey":"sk-key","other":"x"}', '{"OPENAI_API_KEY":"sk-key"}'])(
  'finds the key in %j',
  async (value) => {
    expect(await aStore(value).read()).toBe('sk-key');
  },
);

it.each(['', '  ', 'two words', 'sk-key\r\nx-evil: 1', '{"a":"1","b":"2"}', '{"apiKey":5}', '{broken', 'sk-ключ'])(
  'finds none in %j, and does not tell what is there',
  async (value) => {
    const error = await aStore(value)
      .read()
      .catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      name: 'JudgeMisconfiguredError',
      reason: 'credentials',
      message: expect.stringContaining('aws secretsmanager put-secret-value --secret-id assay/Test/openai'),
    });
    if (value.trim().length > 2)
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(value.trim());
  },
);

it('reads once in five minutes, however many ask at once', async () => {
  const { store, read } = aStore('sk-1');
  expect(store.reads).toEqual([]);
  await Promise.all([read(), read()]);
  store.value = 'sk-2';
  store.time = 299_999;
  expect(await read()).toBe('sk-1');
  store.time = 300_000;
  expect(await read()).toBe('sk-2');
  expect(store.reads).toHaveLength(2);
});

it('reads anew for a key that was refused, once in 30 seconds', async () => {
  const { store, read } = aStore('sk-1');
  await read();
  store.value = 'sk-2';
  store.time = 29_999;
  expect(await read({ isFresh: true })).toBe('sk-1');
  store.time = 30_000;
  expect(await read({ isFresh: true })).toBe('sk-2');
});

it('keeps what it knows while the store is down, and says so where it knows nothing', async () => {
  const { store, read } = aStore(awsError('ThrottlingException'));
  await expect(read()).rejects.toMatchObject({ name: 'JudgeUnavailableError', reason: 'unavailable' });
  store.value = 'sk-1';
  expect(await read()).toBe('sk-1');
  store.value = awsError('ThrottlingException');
  store.time = 600_000;
  expect(await read()).toBe('sk-1');
});

it.each([
  ['ResourceNotFoundException', 'does not exist, or has no value yet'],
  ['AccessDeniedException', 'cannot be read: AccessDeniedException'],
])('says what to do where a secret is not there or not ours: %s', async (name, message) => {
  await expect(aStore(awsError(name)).read()).rejects.toMatchObject({
    name: 'JudgeMisconfiguredError',
    reason: 'credentials',
    message: expect.stringContaining(message),
  });
});
