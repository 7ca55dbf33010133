import { checkClause } from './check-clause.ts';
import { compileClauses } from './compile.ts';
import type { Filter } from './filter.ts';
import { InvalidFilterError } from './invalid-filter-error.ts';
import { parseClauses } from './parse-clauses.ts';

/** A list of 25,000 trace ids. */
const maxLength = 1_000_000;

const parsed = new Map<string, Filter>();
/** Filters in use number a few per experiment; strings that people try in a search must not pile up. */
const maxParsed = 500;
const maxParsedLength = 1_000_000;
let parsedLength = 0;

/**
 * Parses a filter string in MLflow's grammar for traces (AND only). What Assay understands beyond it:
 *
 * - `trace.session`, `trace.user`; the session and the user are found under their keys in tags and metadata alike;
 * - `trace.input_tokens`, `trace.output_tokens`, `trace.total_tokens`, `trace.input_cost`, `trace.output_cost`, `trace.total_cost`
 *   (US$), `trace.span_count`, `trace.error_count`, `trace.tool_call_count`, `trace.tool_error_count`;
 * - `feedback.stars = 4` and `= '4'` compare numbers as numbers; `span.attributes.x = 'v'` compares the value.
 *
 * The same text gives the same object, parsed once. The empty text matches every trace.
 * @throws InvalidFilterError with MLflow's text
 */
export function parseFilter(text: string): Filter {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  if (text.length > maxLength)
    throw new InvalidFilterError(`filter of ${text.length} characters, expected at most ${maxLength}`);
  const clauses = text === '' ? [] : parseClauses(text).map(checkClause);
  const filter = { text, clauses, tests: compileClauses(clauses) };
  remember(filter);
  return filter;
}

function remember(filter: Filter): void {
  if (parsed.size >= maxParsed || parsedLength + filter.text.length > maxParsedLength) {
    parsed.clear();
    parsedLength = 0;
  }
  parsed.set(filter.text, filter);
  parsedLength += filter.text.length;
}
