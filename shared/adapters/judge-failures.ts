import {
  ContextTooLongError,
  JudgeMisconfiguredError,
  JudgeRejectedError,
  JudgeTimeoutError,
  JudgeUnavailableError,
} from '../domain/judging/judge-model.ts';

/** How a provider said no. */
export interface Refusal {
  readonly status: number;
  /** Its name for the error, where it gives one: `model_not_found`, `overloaded_error`, `ThrottlingException`. */
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

interface Failure {
  readonly when: (refusal: Refusal) => boolean;
  readonly error: (message: string, options: { retryAfterMs: number | undefined; cause: unknown }) => Error;
}

const isInvalid = ({ status }: Refusal) => status === 400 || status === 422;
const misconfigured =
  (reason: JudgeMisconfiguredError['reason']): Failure['error'] =>
  (message, { cause }) =>
    new JudgeMisconfiguredError(message, { reason, cause });
const unavailable =
  (reason: JudgeUnavailableError['reason']): Failure['error'] =>
  (message, { retryAfterMs, cause }) =>
    new JudgeUnavailableError(message, { reason, retryAfterMs, cause });

/**
 * What each refusal means, the first that fits. Sources: Bedrock's API reference (Converse, Errors), OpenAI's and Anthropic's pages on error
 * codes; the words are those that the providers answer with, for where the status alone does not tell.
 */
const failures: readonly Failure[] = [
  {
    when: (refusal) =>
      refusal.status === 413 ||
      /^(context_length_exceeded|string_above_max_length|request_too_large)$/.test(refusal.code) ||
      // More at once than a minute's quota holds: it never succeeds, however long one waits.
      (refusal.status === 429 && /request too large|tokens must be reduced/i.test(refusal.message)) ||
      (isInvalid(refusal) &&
        /maximum context length|context (window|limit|length)|(prompt|input) is too long|too many (input )?tokens|too many total text bytes|request too large/i.test(
          refusal.message,
        )),
    error: (message, { cause }) => new ContextTooLongError(message, { cause }),
  },
  {
    when: ({ status, code, message }) =>
      status === 402 ||
      /^(insufficient_quota|billing_hard_limit_reached|billing_not_active|billing_error)$/.test(code) ||
      ((status === 400 || status === 403) &&
        /credit balance is too low|payment instrument|insufficient (funds|credit|balance)/i.test(message)),
    error: misconfigured('exhausted-account'),
  },
  {
    when: ({ status, code, message }) =>
      status === 404 ||
      status === 410 ||
      /^(model_not_found|not_found_error|ResourceNotFoundException)$/.test(code) ||
      (status === 400 &&
        /model identifier is invalid|end of its life|on-demand throughput|model .*(does not exist|not found)|(unknown|invalid) model/i.test(
          message,
        )),
    error: misconfigured('unknown-model'),
  },
  {
    when: ({ status, code, message }) =>
      status === 401 ||
      status === 403 ||
      /^(authentication_error|permission_error|invalid_api_key|AccessDeniedException|UnrecognizedClientException|InvalidSignatureException|ExpiredTokenException|MissingAuthenticationTokenException|CredentialsProviderError)$/.test(
        code,
      ) ||
      (status === 400 && /operation not allowed|invalid api key/i.test(message)),
    error: misconfigured('credentials'),
  },
  {
    when: ({ status, code }) => status === 408 || code === 'ModelTimeoutException',
    error: (message, { cause }) => new JudgeTimeoutError(message, { cause }),
  },
  // Answered with 429 as throttling is, but no one asked too often.
  { when: ({ code }) => code === 'ModelNotReadyException', error: unavailable('unavailable') },
  {
    when: ({ status, code }) =>
      status === 429 || /^(ThrottlingException|TooManyRequestsException|ServiceQuotaExceededException)$/.test(code),
    error: unavailable('throttled'),
  },
  {
    when: ({ status }) => status >= 500 || status === 409 || status === 424 || status === 425,
    error: unavailable('unavailable'),
  },
  // OpenAI's codes for fields of a request, whatever the texts in it say.
  {
    when: ({ code }) => /^(unsupported_parameter|unknown_parameter|unsupported_value)$/.test(code),
    error: misconfigured('rejected-request'),
  },
  // Whoever writes a trace can have a provider refuse it: that must not stop the scorer for all others.
  { when: isInvalid, error: (message, { cause }) => new JudgeRejectedError(message, { cause }) },
  { when: () => true, error: misconfigured('rejected-request') },
];

/** The named error that a refusal is to those who asked. */
export function toJudgeError(
  refusal: Refusal,
  { uri, secrets = [], cause }: { uri: string; secrets?: readonly string[]; cause?: unknown },
): Error {
  const { status, code, retryAfterMs } = refusal;
  const said = withoutSecrets(refusal.message, secrets).replace(/\s+/g, ' ').trim().slice(0, 500);
  const message = `${uri} answers ${[status || '', code].filter((part) => part !== '').join(' ')}${said && `: ${said}`}`;
  const failure = failures.find(({ when }) => when(refusal));
  if (failure === undefined) throw new RangeError('the last failure fits all');
  return failure.error(message, { retryAfterMs, cause });
}

/** No connection came about, so no model has begun: names and codes of Node, undici and the SDK. Of any other failure nobody knows. */
const unconnected =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|\w*CERT\w*)$/;

/** How far a call came that ended without a reply, or with one that cannot be read. */
export function brokenCall({ code, message }: { code?: unknown; message: string }): 'refused' | 'begun' {
  return unconnected.test(String(code)) || /did not establish a connection/.test(message) ? 'refused' : 'begun';
}

/** OpenAI quotes the beginning and end of a key that it does not know; a proxy may quote all of it. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const known = secrets
    .filter((secret) => secret.length > 0)
    .reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
  return known
    .replace(/\b(?:(?:sk|pk|key)[-_]|dapi|ABSK|AKIA|ASIA|eyJ)[-_A-Za-z0-9*.]{8,}/g, '…')
    .replace(/Bearer\s+\S+/gi, 'Bearer …');
}

/** What asks for more is tried sooner all the same: a date in seconds since 1970 would hold judges back for decades. */
const longestWaitMs = 15 * 60_000;

/** Milliseconds of a `Retry-After`, in seconds or as a date, or of OpenAI's `retry-after-ms`; at most a quarter of an hour. */
export function retryAfter(header: (name: string) => string | undefined, now: number): number | undefined {
  const asked = askedWait(header, now);
  return asked === undefined ? undefined : Math.min(asked, longestWaitMs);
}

function askedWait(header: (name: string) => string | undefined, now: number): number | undefined {
  const exact = header('retry-after-ms');
  const given = header('retry-after');
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return Math.ceil(Number(exact));
  if (given === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(given)) return Math.ceil(Number(given) * 1_000);
  const date = Date.parse(given);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
