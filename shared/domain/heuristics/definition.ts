import type { JsonValue } from '../span.ts';
import type { PiiKind } from './pii/pii-kind.ts';

/**
 * What a heuristic scorer checks. Those with a verdict say `yes` (passes) or `no`, as MLflow's do; where the bound is left out,
 * latency, tokens, cost and response length report the measure itself.
 */
export type HeuristicDefinition =
  | ResponseLengthDefinition
  | RegexDefinition
  | KeywordsDefinition
  | JsonValidityDefinition
  | PiiDefinition
  | { readonly type: 'refusal' }
  | LatencyDefinition
  | TokensDefinition
  | CostDefinition
  | ToolCallSuccessDefinition
  | { readonly type: 'error_free' }
  | MatchDefinition;

export interface ResponseLengthDefinition {
  readonly type: 'response_length';
  /** Inclusive. */
  readonly min?: number;
  /** Inclusive. */
  readonly max?: number;
  /** Characters are Unicode code points; words are what white space separates. */
  readonly unit: 'chars' | 'words';
}

export interface RegexDefinition {
  readonly type: 'regex';
  /** RE2 syntax. */
  readonly pattern: string;
  readonly match: 'search' | 'fullmatch';
  readonly ignoreCase: boolean;
  /** What passes: that the pattern is there, or that it is not. */
  readonly expect: 'match' | 'no_match';
}

export interface KeywordsDefinition {
  readonly type: 'keywords';
  readonly keywords: readonly string[];
  /** What passes: any of them is there, all are, none is. */
  readonly mode: 'any' | 'all' | 'none';
  readonly ignoreCase: boolean;
  /** `cat` is not found in `concatenate`. */
  readonly wholeWords: boolean;
}

export interface JsonValidityDefinition {
  readonly type: 'json_validity';
  /** JSON Schema, draft 7, 2019-09 or 2020-12 as its `$schema` says. */
  readonly schema?: JsonSchema;
}

export type JsonSchema = boolean | { readonly [key: string]: JsonValue };

export interface PiiDefinition {
  readonly type: 'pii';
  readonly kinds: readonly PiiKind[];
  readonly where: 'outputs' | 'inputs';
}

export interface LatencyDefinition {
  readonly type: 'latency';
  readonly maxMs?: number;
}

export interface TokensDefinition {
  readonly type: 'tokens';
  readonly maxTokens?: number;
  readonly count: 'total' | 'input' | 'output';
}

export interface CostDefinition {
  readonly type: 'cost';
  readonly maxUsd?: number;
}

export interface ToolCallSuccessDefinition {
  readonly type: 'tool_call_success';
  /** `share`: the part of the calls that succeeded, 0 to 1. */
  readonly measure: 'verdict' | 'share';
}

export interface MatchDefinition {
  readonly type: 'exact_match' | 'normalized_match';
  /** Name of the expectation. */
  readonly expectation: string;
}
