import type { ZodError } from 'zod';
import { parseJson } from '../domain/facts/attribute-text.ts';
import { JudgeMisconfiguredError, JudgeUnavailableError } from '../domain/judging/judge-model.ts';
import type { Clock } from '../domain/ports.ts';
import { type CallTime, callTime } from './judge-call-time.ts';
import { brokenCall, retryAfter, toJudgeError } from './judge-failures.ts';

/** A secret as its store has it; `isFresh` asks the store again, for a key that was refused. */
export type ReadKey = (options?: { readonly isFresh?: boolean }) => Promise<string>;

export interface JudgeEndpoint {
  /** What answers, for messages. */
  readonly uri: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: no key is needed. */
  readonly readKey?: ReadKey | undefined;
  readonly keyHeader: 'authorization' | 'x-api-key' | 'api-key';
  readonly timeoutMs: number;
  readonly now: Clock;
}

/** What the provider says of an error in its body, by which both APIs' shapes are read. */
export type ReadError = (body: unknown) => { readonly code: string; readonly message: string };

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A judge's answer has a few kilobytes. */
const maxReplyBytes = 8 * 1024 * 1024;

/**
 * Posts JSON and answers the JSON of the reply. A key that is refused is read anew and tried once more: someone has put another one in its
 * place. Nothing else is repeated here. What is thrown carries no key and no header.
 * @throws JudgeUnavailableError, JudgeMisconfiguredError, ContextTooLongError, JudgeTimeoutError, JudgeOutOfTimeError
 */
export async function postForJson(
  endpoint: JudgeEndpoint,
  { body, readError, until }: { body: object; readError: ReadError; until: number | undefined },
): Promise<unknown> {
  const text = JSON.stringify(body);
  let key = await endpoint.readKey?.();
  let reply = await post(endpoint, { text, key, until });
  if (reply.status === 401 && endpoint.readKey) {
    const fresh = await endpoint.readKey({ isFresh: true });
    if (fresh !== key) {
      key = fresh;
      reply = await post(endpoint, { text, key, until });
    }
  }
  const parsed = parseJson(reply.text);
  if (reply.status >= 200 && reply.status < 300) {
    if (parsed !== undefined) return parsed;
    throw new JudgeUnavailableError(`${endpoint.uri} answers what is no JSON`, {
      reason: 'unavailable',
      call: 'begun',
    });
  }
  throw refused(endpoint, { reply, parsed, readError, key });
}

function refused(
  { uri, url, now }: JudgeEndpoint,
  { reply, parsed, readError, key }: { reply: Reply; parsed: unknown; readError: ReadError; key: string | undefined },
): Error {
  const { status, headers, text } = reply;
  if (status >= 300 && status < 400)
    return new JudgeMisconfiguredError(`${uri}: ${url.origin} redirects, and a key is sent nowhere else`, {
      reason: 'rejected-request',
    });
  const { code, message } = parsed === undefined ? { code: '', message: text } : readError(parsed);
  const retryAfterMs = retryAfter((name) => headers.get(name) ?? undefined, now());
  return toJudgeError({ status, code, message, retryAfterMs }, { uri, secrets: key === undefined ? [] : [key] });
}

async function post(
  endpoint: JudgeEndpoint,
  { text, key, until }: { text: string; key: string | undefined; until: number | undefined },
): Promise<Reply> {
  const { uri, url, headers, keyHeader } = endpoint;
  const time = callTime(until, endpoint);
  const authorization = key === undefined ? {} : { [keyHeader]: keyHeader === 'authorization' ? `Bearer ${key}` : key };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', ...authorization },
      body: text,
      redirect: 'manual',
      signal: time.signal,
    });
    return { status: response.status, headers: response.headers, text: await readText(response) };
  } catch (error) {
    throw brokenOff(error, { uri, origin: url.origin, time });
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maxReplyBytes) throw new Error(`the reply is longer than ${maxReplyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** No reply came, or not all of it. The cause is told by its code: what undici adds to it may hold what was sent. */
function brokenOff(error: unknown, { uri, origin, time }: { uri: string; origin: string; time: CallTime }): Error {
  if (error instanceof Error && error.name === 'TimeoutError') return time.over();
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined };
  const { code = '' } = (cause ?? {}) as { code?: unknown };
  return new JudgeUnavailableError(
    `${uri}: ${origin} cannot be reached: ${[message, code].filter((part) => part !== '').join(' ')}`,
    { reason: 'unavailable', call: brokenCall({ code, message }) },
  );
}

/** The first thing that is wrong with a reply; never what it holds. */
export function problemOf(error: ZodError | undefined): string {
  const [issue] = error?.issues ?? [];
  return issue === undefined ? 'nothing' : `${issue.path.join('.')}: ${issue.message}`;
}
