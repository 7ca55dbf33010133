import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { JudgeMisconfiguredError, JudgeUnavailableError } from '../domain/judging/judge-model.ts';
import type { Clock } from '../domain/ports.ts';
import { isTransient } from './is-transient.ts';
import type { ReadKey } from './judge-http.ts';

/** A key that was put in another's place is used so late at most; a refused one is read again at once. */
const keptMs = 5 * 60_000;
/** Between two readings of a secret because its key was refused, by however many calls. */
const rereadMs = 30_000;

interface Kept {
  readonly key: Promise<string>;
  readonly readAt: number;
}

/**
 * Keys out of Secrets Manager, read when the first call needs them. A secret is the key itself, or a JSON object that holds it as `apiKey` or
 * as its only member.
 */
export function secretsManagerKeys(
  client: SecretsManagerClient,
  { now }: { now: Clock },
): (secretId: string) => ReadKey {
  const kept = new Map<string, Kept>();
  return (secretId) =>
    async ({ isFresh = false } = {}) => {
      const known = kept.get(secretId);
      if (known && now() - known.readAt < (isFresh ? rereadMs : keptMs)) return known.key;
      const read: Kept = { key: readKey(client, secretId), readAt: now() };
      kept.set(secretId, read);
      try {
        return await read.key;
      } catch (error) {
        // A store that is down for a while takes away nothing that is known; nothing that failed is remembered.
        if (known) kept.set(secretId, known);
        else kept.delete(secretId);
        if (known && error instanceof JudgeUnavailableError) return known.key;
        throw error;
      }
    };
}

async function readKey(client: SecretsManagerClient, secretId: string): Promise<string> {
  try {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return keyIn(SecretString, secretId);
  } catch (error) {
    throw error instanceof JudgeMisconfiguredError ? error : translated(error, secretId);
  }
}

function keyIn(text: string, secretId: string): string {
  const key = (text.trimStart().startsWith('{') ? member(text) : text)?.trim();
  // What no header can carry is no key: it would break the request, and its error would quote it.
  if (key && /^[\x21-\x7e]{1,4096}$/.test(key)) return key;
  throw unusable(secretId, 'holds no key: expected the key alone, or JSON such as {"apiKey":"…"}');
}

function member(text: string): string | undefined {
  try {
    const { apiKey, ...others } = JSON.parse(text) as Record<string, unknown>;
    const [only, ...more] = Object.values(others);
    const value = apiKey ?? (more.length === 0 ? only : undefined);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function translated(error: unknown, secretId: string): Error {
  if (isTransient(error))
    return new JudgeUnavailableError(`secret ${secretId} cannot be read now`, {
      reason: 'unavailable',
      call: 'not-made',
      cause: error,
    });
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  // A secret that was made and never filled is not found either.
  return unusable(
    secretId,
    name === 'ResourceNotFoundException'
      ? 'does not exist, or has no value yet'
      : `cannot be read: ${name}: ${message}`,
    error,
  );
}

function unusable(secretId: string, problem: string, cause?: unknown): JudgeMisconfiguredError {
  const remedy = `aws secretsmanager put-secret-value --secret-id ${secretId} --secret-string <key>`;
  return new JudgeMisconfiguredError(`secret ${secretId} ${problem}; store the key with: ${remedy}`, {
    reason: 'credentials',
    call: 'not-made',
    cause,
  });
}
