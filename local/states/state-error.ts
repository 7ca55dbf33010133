/** A failure in the language's terms: what `Retry` and `Catch` go by. */
export class StateError extends Error {
  override readonly name = 'StateError';
  /** `States.Timeout`, `Lambda.TooManyRequestsException`, a function's error type, … */
  readonly code: string;

  constructor(code: string, cause: string) {
    super(cause);
    this.code = code;
  }

  /** `$states.errorOutput`. */
  get output(): { readonly Error: string; readonly Cause: string } {
    return { Error: this.code, Cause: this.message };
  }
}

export type InterruptionKind = 'stopped' | 'timed-out' | 'sibling-failed' | 'shutdown';

/** What ends work from outside; no `Retry` or `Catch` sees it. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly kind: InterruptionKind;
  readonly code: string | undefined;

  constructor(kind: InterruptionKind, { code, cause = '' }: { code?: string | undefined; cause?: string } = {}) {
    super(cause);
    this.kind = kind;
    this.code = code;
  }
}

/** Of every input and output: Step Functions developer guide, "Service quotas". */
export const maxPayloadBytes = 256 * 1024;

/** The value as JSON, unless that is larger than an input or output may be. */
export function payloadText(value: unknown, producer: string): string {
  const text = JSON.stringify(value) ?? 'null';
  if (Buffer.byteLength(text) > maxPayloadBytes) throw tooLarge(producer);
  return text;
}

function tooLarge(producer: string): StateError {
  return new StateError(
    'States.DataLimitExceeded',
    `The state/task '${producer}' returned a result with a size exceeding the maximum number of bytes service limit.`,
  );
}
