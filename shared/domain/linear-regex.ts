import { RE2JS, RE2JSException } from 're2js';
import { estimatePatternSize } from './pattern-size.ts';

/** A pattern of a user that is not taken; the message says what and where. */
export class InvalidPatternError extends Error {
  override readonly name = 'InvalidPatternError';
}

/** Longer ones are no patterns that people write. */
const maxPatternLength = 4_096;

/**
 * Instructions of the compiled pattern: RE2's largest repetition, `a{1,1000}`, has 2,002. At worst each is looked at for every
 * character: measured, the slowest patterns of 1,000 take a second for 100 KB of text where usual ones take a millisecond, and
 * forty times `a.{900}x|`, with 36,000, a minute.
 */
const maxInstructions = 2_500;
/** The estimate is a little above what comes out. It comes first: compiling `x{1000}` written 585 times takes half a gigabyte. */
const maxEstimate = 4 * maxInstructions;

/**
 * Compiles a user's pattern in RE2's syntax: matching takes time linear in the text, whatever the pattern; look-around and
 * back-references, which cannot be had in linear time, are refused, and so is what repeats too much.
 * @throws InvalidPatternError
 */
export function compileLinearRegex(pattern: string, { ignoreCase = false }: { ignoreCase?: boolean } = {}): RE2JS {
  if (pattern.length > maxPatternLength) {
    throw new InvalidPatternError(`pattern of ${pattern.length} characters, expected at most ${maxPatternLength}`);
  }
  const estimate = estimatePatternSize(pattern);
  if (estimate > maxEstimate) throw tooLarge(`about ${estimate}`);
  const regex = compile(pattern, ignoreCase);
  if (regex.programSize() > maxInstructions) throw tooLarge(String(regex.programSize()));
  return regex;
}

function compile(pattern: string, ignoreCase: boolean): RE2JS {
  try {
    return RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    if (error instanceof RE2JSException)
      throw new InvalidPatternError(`${error.message} (RE2 syntax)`, { cause: error });
    throw error;
  }
}

function tooLarge(size: string): InvalidPatternError {
  return new InvalidPatternError(
    `pattern of ${size} steps when its repetitions are written out, expected at most ${maxInstructions}`,
  );
}
