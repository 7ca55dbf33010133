import { isDeepStrictEqual } from 'node:util';
import { textOf } from '../json-value.ts';
import type { JsonValue } from '../span.ts';
import type { MatchDefinition } from './definition.ts';
import { cannotJudge, excerpt, type Heuristic, noOutputs, verdict } from './heuristic.ts';
import { normalize } from './normalize.ts';
import { responseText } from './response-text.ts';

/**
 * Passes where the response equals what a person expected: exactly, or but for case, spacing and punctuation.
 * Structured values are equal whatever the order of their keys.
 */
export function expectedMatch({ type, expectation }: MatchDefinition): Heuristic {
  const same = type === 'exact_match' ? isSame : isSameNormalized;
  return ({ outputs, expectations }) => {
    const expected = Object.hasOwn(expectations, expectation) ? expectations[expectation] : undefined;
    if (expected === undefined || expected === null)
      return cannotJudge('NO_EXPECTATION', `the trace has no expectation "${expectation}"`);
    const text = responseText(outputs);
    if (outputs === undefined || text === undefined) return noOutputs();
    const passes = same(expected, { outputs, text });
    return verdict(
      passes,
      passes
        ? `The response equals ${expectation}.`
        : `The response "${excerpt(text)}" differs from ${expectation} "${excerpt(textOf(expected))}".`,
    );
  };
}

interface Response {
  readonly outputs: JsonValue;
  readonly text: string;
}

function isSame(expected: JsonValue, { outputs, text }: Response): boolean {
  return isDeepStrictEqual(expected, outputs) || textOf(expected) === text;
}

function isSameNormalized(expected: JsonValue, response: Response): boolean {
  return isSame(expected, response) || normalize(textOf(expected)) === normalize(response.text);
}
