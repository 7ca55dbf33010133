import { MalformedOtlpError } from './malformed-otlp-error.ts';

/**
 * JSON whose whole numbers beyond 2^53 are bigint: some exporters write nanoseconds as plain numbers.
 * Throws MalformedOtlpError.
 */
export function parseJson(text: string): unknown {
  try {
    // The reviver is called for every value, so it is used only where there may be such a number.
    return longNumber.test(text) ? JSON.parse(text, exactInteger as never) : JSON.parse(text);
  } catch (error) {
    throw new MalformedOtlpError(`body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Sixteen digits in a row that do not begin a string. */
const longNumber = /[:,[\s]-?\d{16}/;

function exactInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return context.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}
