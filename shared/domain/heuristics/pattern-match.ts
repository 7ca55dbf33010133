import type { RE2JS } from 're2js';
import { compileLinearRegex } from '../linear-regex.ts';
import type { KeywordsDefinition, RegexDefinition } from './definition.ts';
import { excerpt, type Heuristic, noOutputs, verdict } from './heuristic.ts';
import { responseText } from './response-text.ts';

/**
 * Passes where the response matches a pattern, or where it does not.
 * @throws InvalidPatternError
 */
export function regexMatch({ pattern, match, ignoreCase, expect }: RegexDefinition): Heuristic {
  const regex = compileLinearRegex(pattern, { ignoreCase });
  return ({ outputs }) => {
    const text = responseText(outputs);
    if (text === undefined) return noOutputs();
    const found = findMatch(regex, { text, match });
    const passes = (found !== undefined) === (expect === 'match');
    return verdict(
      passes,
      found === undefined
        ? `The response does not match /${pattern}/.`
        : `The response matches /${pattern}/: "${excerpt(found)}".`,
    );
  };
}

/** Passes where any, all, or none of the keywords are in the response. */
export function keywordMatch({ keywords, mode, ignoreCase, wholeWords }: KeywordsDefinition): Heuristic {
  const searches = keywords.map((keyword) => ({ keyword, isIn: compileKeyword(keyword, { ignoreCase, wholeWords }) }));
  return ({ outputs }) => {
    const text = responseText(outputs);
    if (text === undefined) return noOutputs();
    const subject = ignoreCase ? text.toLowerCase() : text;
    const found = searches.filter(({ isIn }) => isIn(subject)).map(({ keyword }) => keyword);
    const missing = keywords.filter((keyword) => !found.includes(keyword));
    return verdict(passes(mode, { found, missing }), explain({ found, missing }));
  };
}

function passes(mode: KeywordsDefinition['mode'], { found, missing }: Split): boolean {
  if (mode === 'all') return missing.length === 0;
  return mode === 'none' ? found.length === 0 : found.length > 0;
}

interface Split {
  readonly found: readonly string[];
  readonly missing: readonly string[];
}

function explain({ found, missing }: Split): string {
  if (found.length === 0) return `The response contains none of ${list(missing)}.`;
  const rest = missing.length > 0 ? `, and not ${list(missing)}` : '';
  return `The response contains ${list(found)}${rest}.`;
}

function list(keywords: readonly string[]): string {
  return keywords.map((keyword) => `"${excerpt(keyword, 40)}"`).join(', ');
}

const wordCharacter = /[\p{L}\p{M}\p{N}_]/u;

function compileKeyword(
  keyword: string,
  { ignoreCase, wholeWords }: { ignoreCase: boolean; wholeWords: boolean },
): (text: string) => boolean {
  const wanted = ignoreCase ? keyword.toLowerCase() : keyword;
  if (!wholeWords) return (text) => text.includes(wanted);
  return (text) => {
    for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
      if (isWhole(text, { from: at, to: at + wanted.length })) return true;
    }
    return false;
  };
}

/** A boundary counts only beside a word character, so that `c++` and scripts without spaces at their edges are found. */
function isWhole(text: string, { from, to }: { from: number; to: number }): boolean {
  return !joins(text[from - 1], text[from]) && !joins(text[to - 1], text[to]);
}

function joins(left: string | undefined, right: string | undefined): boolean {
  return left !== undefined && right !== undefined && wordCharacter.test(left) && wordCharacter.test(right);
}

function findMatch(
  regex: RE2JS,
  { text, match }: { text: string; match: RegexDefinition['match'] },
): string | undefined {
  const matcher = regex.matcher(text);
  const isFound = match === 'fullmatch' ? matcher.matches() : matcher.find();
  return isFound ? (matcher.group() ?? '') : undefined;
}
