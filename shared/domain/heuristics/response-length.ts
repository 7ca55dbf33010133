import type { ResponseLengthDefinition } from './definition.ts';
import { counted, type Heuristic, measure, noOutputs, verdict } from './heuristic.ts';
import { responseText } from './response-text.ts';

/** Passes where the response is within the bounds; without bounds, its length. */
export function responseLength({ min, max, unit }: ResponseLengthDefinition): Heuristic {
  return ({ outputs }) => {
    const text = responseText(outputs);
    if (text === undefined) return noOutputs();
    const length = unit === 'words' ? countWords(text) : countCharacters(text);
    const found = `The response has ${counted(length, unit === 'words' ? 'word' : 'character')}`;
    if (min === undefined && max === undefined) return measure(length, `${found}.`);
    if (min !== undefined && length < min)
      return verdict(false, `${found}, fewer than the minimum of ${min.toLocaleString('en-US')}.`);
    if (max !== undefined && length > max)
      return verdict(false, `${found}, more than the maximum of ${max.toLocaleString('en-US')}.`);
    return verdict(true, `${found}, within bounds.`);
  };
}

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
