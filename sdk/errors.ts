/** Of the API, or, without a status, of a mistake or an accident on this side of it. */
export interface ErrorDetails {
  /** Of the HTTP answer; absent: there was none. */
  readonly status?: number | undefined;
  /** What was asked: `POST /api/…`. */
  readonly request?: string | undefined;
  /** As the API asks with `Retry-After`. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** What the API refuses or fails at, with its own words as the message. */
export class AssayError extends Error {
  override readonly name: string = 'AssayError';
  /** The API's `error_code`: `RESOURCE_DOES_NOT_EXIST`, `INVALID_PARAMETER_VALUE`, … */
  readonly code: string;
  readonly status: number | undefined;
  readonly request: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, { status, request, retryAfterMs, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.status = status;
    this.request = request;
    this.retryAfterMs = retryAfterMs;
  }
}

/** `INVALID_PARAMETER_VALUE`; without a status it was noticed before anything was sent. */
export class InvalidParameterError extends AssayError {
  override readonly name = 'InvalidParameterError';
}

/** `UNAUTHENTICATED`: no key, or one that is unknown or revoked. */
export class AuthenticationError extends AssayError {
  override readonly name = 'AuthenticationError';
}

/** `PERMISSION_DENIED`: the key's role or its experiments do not allow it. */
export class PermissionDeniedError extends AssayError {
  override readonly name = 'PermissionDeniedError';
}

/** `RESOURCE_DOES_NOT_EXIST` or `ENDPOINT_NOT_FOUND`. */
export class NotFoundError extends AssayError {
  override readonly name = 'NotFoundError';
}

/** `RESOURCE_CONFLICT` or `RESOURCE_ALREADY_EXISTS`. */
export class ConflictError extends AssayError {
  override readonly name = 'ConflictError';
}

/** `REQUEST_LIMIT_EXCEEDED`, after it was asked again a few times. */
export class RateLimitError extends AssayError {
  override readonly name = 'RateLimitError';
}

/** It failed on the API's side. */
export class ServerError extends AssayError {
  override readonly name = 'ServerError';
}

/** `CONNECTION_FAILED`: nobody answers there, or the answer broke off. */
export class ConnectionError extends AssayError {
  override readonly name = 'ConnectionError';

  constructor(message: string, details: ErrorDetails = {}) {
    super('CONNECTION_FAILED', message, details);
  }
}

/** `TIMEOUT`: the answer took longer than the client waits. */
export class TimeoutError extends AssayError {
  override readonly name = 'TimeoutError';

  constructor(message: string, details: ErrorDetails = {}) {
    super('TIMEOUT', message, details);
  }
}

const classes: Readonly<Record<string, new (code: string, message: string, details: ErrorDetails) => AssayError>> = {
  INVALID_PARAMETER_VALUE: InvalidParameterError,
  UNAUTHENTICATED: AuthenticationError,
  PERMISSION_DENIED: PermissionDeniedError,
  RESOURCE_DOES_NOT_EXIST: NotFoundError,
  ENDPOINT_NOT_FOUND: NotFoundError,
  RESOURCE_CONFLICT: ConflictError,
  RESOURCE_ALREADY_EXISTS: ConflictError,
  REQUEST_LIMIT_EXCEEDED: RateLimitError,
};

/** What stands before the API refuses in words of its own; these codes say the same. */
const codesOfStatus: Readonly<Record<number, string>> = {
  400: 'INVALID_PARAMETER_VALUE',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'ENDPOINT_NOT_FOUND',
  409: 'RESOURCE_CONFLICT',
  429: 'REQUEST_LIMIT_EXCEEDED',
};

/** The error that an HTTP answer tells of, MLflow's JSON or not. */
export function errorOf(status: number, body: string, details: Omit<ErrorDetails, 'status'>): AssayError {
  const { error_code: told, message } = parsed(body);
  const code = told ?? codesOfStatus[status] ?? `HTTP_${status}`;
  const Class = status === 429 ? RateLimitError : (classes[code] ?? (status >= 500 ? ServerError : AssayError));
  return new Class(code, message ?? `the answer was ${status}: ${body.slice(0, 200)}`, { ...details, status });
}

function parsed(body: string): { readonly error_code?: string; readonly message?: string } {
  try {
    const { error_code, message } = (JSON.parse(body) ?? {}) as Record<string, unknown>;
    return {
      ...(typeof error_code === 'string' && { error_code }),
      ...(typeof message === 'string' && { message }),
    };
  } catch {
    return {};
  }
}
