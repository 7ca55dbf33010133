import {
  type AssayError,
  ConnectionError,
  errorOf,
  InvalidParameterError,
  RateLimitError,
  ServerError,
  TimeoutError,
} from './errors.ts';
import { pause } from './pause.ts';

export interface ClientOptions {
  /** Of the API, without a path: the stack's output `ApiUrl`. */
  readonly url: string;
  /** An API key; absent: only what needs none can be asked. */
  readonly key?: string | undefined;
  /** Where no other is named. */
  readonly experimentId?: string | undefined;
  /** For one answer; a call that is repeated has as long again. */
  readonly timeoutMs?: number | undefined;
  /** How often a call is repeated that may be. */
  readonly maxRetries?: number | undefined;
  /** In the place of the global one. */
  readonly fetch?: typeof fetch | undefined;
}

/** Of one call. */
export interface CallOptions {
  /** Ends the call; it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Call extends CallOptions {
  readonly method: Method;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object | undefined;
  /** Whether twice is as good as once, where the first answer was lost. Without it: GET and PUT. */
  readonly isRepeatable?: boolean;
  /** The answer is no JSON, and nobody reads it. */
  readonly isText?: boolean;
}

interface Answer<T> {
  readonly status: number;
  readonly json: T;
}

export type Send = <T>(call: Call) => Promise<Answer<T>>;

/** Longer than the 30 s of the gateway in front of the API. */
const defaultTimeoutMs = 40_000;
const defaultRetries = 3;
const [firstWaitMs, longestWaitMs] = [200, 10_000];
/** Whoever is asked to wait longer than this is told so. */
const longestRetryAfterMs = 60_000;

/** Calls the API. What it refused for now is asked again, and so is what got no answer and may be repeated. */
export function createTransport(options: ClientOptions): Send {
  const { maxRetries = defaultRetries } = options;
  if (!URL.canParse(options.url))
    throw new InvalidParameterError(
      'INVALID_PARAMETER_VALUE',
      `"${options.url}" is no URL: expected one like https://example.com`,
    );
  return async <T>(call: Call) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await once<T>(call, options);
      } catch (error) {
        const waitMs = waitAfter(error, { call, attempt });
        if (waitMs === undefined || attempt >= maxRetries) throw error;
        await pause(waitMs, call.signal);
      }
    }
  };
}

/** Undefined: it is not asked again. */
function waitAfter(error: unknown, { call, attempt }: { call: Call; attempt: number }): number | undefined {
  const { method, isRepeatable = method === 'GET' || method === 'PUT' } = call;
  const isLost = error instanceof ConnectionError || error instanceof TimeoutError || error instanceof ServerError;
  // What is refused for now has not been done.
  if (!(error instanceof RateLimitError) && !(isLost && isRepeatable)) return undefined;
  const { retryAfterMs } = error as AssayError;
  if (retryAfterMs !== undefined) return retryAfterMs <= longestRetryAfterMs ? retryAfterMs : undefined;
  // Between half and all of it: clients that failed together do not come back together.
  return Math.min(longestWaitMs, firstWaitMs * 2 ** attempt) * (0.5 + Math.random() / 2);
}

async function once<T>(call: Call, options: ClientOptions): Promise<Answer<T>> {
  const request = `${call.method} ${call.path}`;
  const { timeoutMs = defaultTimeoutMs } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
  const url = urlOf(call, options.url);
  const init = { ...initOf(call, options), signal };
  try {
    const response = await (options.fetch ?? fetch)(url, init);
    const text = await response.text();
    if (response.ok) return { status: response.status, json: parseAnswer(text, { request, isText: call.isText }) };
    throw errorOf(response.status, text, { request, retryAfterMs: retryAfter(response.headers.get('retry-after')) });
  } catch (error) {
    if (call.signal?.aborted) throw call.signal.reason;
    if (timeout.aborted) throw new TimeoutError(`no answer within ${timeoutMs} ms`, { request, cause: error });
    // What fetch fails with, in every browser and in Node.
    if (error instanceof TypeError) throw connectionError(url, error, request);
    throw error;
  }
}

function urlOf({ path, query = {} }: Call, base: string): URL {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.append(name, value);
  return url;
}

function initOf({ method, body }: Call, { key }: ClientOptions): RequestInit {
  return {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body, withoutNothing) }),
  };
}

/** JSON has null in the place of a number or a date that is none, which to the API is one that was not given: its default. */
function withoutNothing(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  const given = this[name];
  const isNone =
    (typeof given === 'number' && !Number.isFinite(given)) || (given instanceof Date && Number.isNaN(given.getTime()));
  if (isNone) throw new InvalidParameterError('INVALID_PARAMETER_VALUE', `${name} is no value: ${String(given)}`);
  return value;
}

function parseAnswer<T>(text: string, { request, isText }: { request: string; isText: boolean | undefined }): T {
  try {
    if (isText) return text as T;
    return JSON.parse(text) as T;
  } catch (error) {
    throw new ConnectionError(`the answer is not of Assay: ${text.slice(0, 200)}`, { request, cause: error });
  }
}

function connectionError(url: URL, error: TypeError, request: string): ConnectionError {
  const { cause } = error;
  const why = cause instanceof Error ? cause.message : error.message;
  return new ConnectionError(`${url.origin} does not answer (${why}): is the URL right?`, { request, cause: error });
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
