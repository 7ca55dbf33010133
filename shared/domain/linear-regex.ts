import { RE2JS, RE2JSException } from 're2js';

/** A pattern of a user that RE2 does not take; the message says what and where. */
export class InvalidPatternError extends Error {
  override readonly name = 'InvalidPatternError';
}

/** Longer ones are no patterns that people write, and compile into automata of many megabytes. */
const maxPatternLength = 4096;

/**
 * Compiles a user's pattern in RE2's syntax: matching takes time linear in the text, whatever the pattern; look-around and
 * back-references, which cannot be had in linear time, are refused.
 * @throws InvalidPatternError
 */
export function compileLinearRegex(pattern: string, { ignoreCase = false }: { ignoreCase?: boolean } = {}): RE2JS {
  if (pattern.length > maxPatternLength) {
    throw new InvalidPatternError(`pattern of ${pattern.length} characters, expected at most ${maxPatternLength}`);
  }
  try {
    return RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    if (error instanceof RE2JSException)
      throw new InvalidPatternError(`${error.message} (RE2 syntax)`, { cause: error });
    throw error;
  }
}
