import { canonicalJson, jsonValue, textOf } from '../../json-value.ts';
import type { JsonValue } from '../../span.ts';
import { cannotJudge, oneQuestion, settled } from '../judge.ts';
import { textSection } from '../material.ts';
import { answerText } from '../reading/root-texts.ts';
import { type Asked, expectation, noExpectation, ratingQuestion, type TracePlanner } from './needs.ts';

const task = `Decide whether the section "answer" says the same as the section "expected answer".

The result is "yes" if whoever reads either of them learns the same: the same facts, figures, conditions and outcome, whatever the wording, format, order or language. It is "no" if one of them says something of substance that the other does not say, or says otherwise.`;

/** Equal values and equal texts need no model, and numbers are equal or they are not. */
export function equivalence(asked: Asked): TracePlanner {
  return (trace) => {
    const expected = expectation(trace, 'expected_response');
    if (expected === undefined) return noExpectation('expected_response');
    const text = answerText(trace);
    if (trace.outputs === undefined || text === undefined)
      return cannotJudge('NO_OUTPUTS', 'the trace has no outputs to compare');
    const [actual, wanted] = [numberOf(trace.outputs), numberOf(expected)];
    if (actual !== undefined && wanted !== undefined && typeof expected !== 'string')
      return isClose(actual, wanted)
        ? settled({ value: 'yes', rationale: 'Both are the same number.' })
        : settled({ value: 'no', rationale: `${actual} is not ${wanted}.` });
    if (text === textOf(expected) || canonicalJson(trace.outputs) === canonicalJson(expected))
      return settled({ value: 'yes', rationale: 'Both are the same, to the letter.' });
    const material = [textSection('answer', text), textSection('expected answer', textOf(expected))];
    return oneQuestion(ratingQuestion(task, { material, asked }));
  };
}

/** Numbers and truth values, also where the span holds them as text. */
function numberOf(value: JsonValue): number | undefined {
  const given = typeof value === 'string' ? scalarOf(value) : value;
  if (typeof given === 'boolean') return Number(given);
  return typeof given === 'number' ? given : undefined;
}

function scalarOf(text: string): JsonValue {
  if (/^\s*(?:true|false)\s*$/i.test(text)) return /true/i.test(text);
  return /^\s*-?\d+(?:\.\d+)?(?:e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : jsonValue(text);
}

/** As Python's `math.isclose`. */
function isClose(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}
