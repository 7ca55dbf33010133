import type { HeuristicDefinition } from './definition.ts';
import { expectedMatch } from './expected-match.ts';
import type { Heuristic } from './heuristic.ts';
import { jsonValidity } from './json-validity.ts';
import { errorFree, toolCallSuccess } from './outcome.ts';
import { keywordMatch, regexMatch } from './pattern-match.ts';
import { pii } from './pii/pii.ts';
import { refusal } from './refusal.ts';
import { responseLength } from './response-length.ts';
import { cost, latency, tokens } from './thresholds.ts';

/**
 * Builds the heuristic that a definition describes; patterns and schemas are compiled once, here.
 * @throws InvalidPatternError, InvalidSchemaError
 */
export function createHeuristic(definition: HeuristicDefinition): Heuristic {
  switch (definition.type) {
    case 'response_length':
      return responseLength(definition);
    case 'regex':
      return regexMatch(definition);
    case 'keywords':
      return keywordMatch(definition);
    case 'json_validity':
      return jsonValidity(definition);
    case 'pii':
      return pii(definition);
    case 'refusal':
      return refusal();
    case 'latency':
      return latency(definition);
    case 'tokens':
      return tokens(definition);
    case 'cost':
      return cost(definition);
    case 'tool_call_success':
      return toolCallSuccess(definition);
    case 'error_free':
      return errorFree();
    case 'exact_match':
    case 'normalized_match':
      return expectedMatch(definition);
  }
}
