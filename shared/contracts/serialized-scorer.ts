import { createHeuristic } from '../domain/heuristics/create-heuristic.ts';
import type { HeuristicDefinition } from '../domain/heuristics/definition.ts';
import { InvalidSchemaError } from '../domain/heuristics/json-validity.ts';
import { InvalidPatternError } from '../domain/linear-regex.ts';
import type { Scorer, ScorerVersion } from '../domain/scorer.ts';
import {
  InvalidSerializedScorerError,
  parseSerializedScorer,
  type SerializedScorer,
} from './parse-serialized-scorer.ts';

export { InvalidSerializedScorerError, parseSerializedScorer };

/** A scorer that runs, or why it does not: a version that was stored stays readable whatever it asks for. */
export type CreatedScorer = Scorer | { readonly unsupported: string };

const created = new Map<string, CreatedScorer>();
/** A function's environment meets the scorers of a few experiments; schemas and patterns are worth keeping compiled. */
const maxCreated = 500;

/** Builds the scorer of a registered version. The same serialized text gives the same scorer, built once. */
export function createScorer({ serialized }: Pick<ScorerVersion, 'serialized'>): CreatedScorer {
  const known = created.get(serialized);
  if (known !== undefined) return known;
  const scorer = build(serialized);
  if (created.size >= maxCreated) created.clear();
  created.set(serialized, scorer);
  return scorer;
}

function build(serialized: string): CreatedScorer {
  try {
    return fromSerialized(parseSerializedScorer(serialized));
  } catch (error) {
    if (isRefusal(error)) return { unsupported: error.message };
    throw error;
  }
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof InvalidSerializedScorerError ||
    error instanceof InvalidPatternError ||
    error instanceof InvalidSchemaError
  );
}

function fromSerialized(scorer: SerializedScorer): CreatedScorer {
  if (scorer.kind !== 'heuristic') return { unsupported: `${describe(scorer)} cannot be run yet` };
  if (scorer.isSessionLevel) return { unsupported: 'heuristics judge traces, not sessions' };
  return fromDefinition(scorer.definition);
}

function fromDefinition(definition: HeuristicDefinition): Scorer {
  const heuristic = createHeuristic(definition);
  return { sourceType: 'CODE', score: (trace) => [heuristic(trace)] };
}

function describe(scorer: Exclude<SerializedScorer, { kind: 'heuristic' }>): string {
  switch (scorer.kind) {
    case 'builtin':
    case 'guidelines':
      return `MLflow's built-in judge ${scorer.className}`;
    case 'instructions':
      return 'a judge with instructions';
    case 'code':
      return `Python code (${scorer.functionName})`;
    case 'ensemble':
      return `an ensemble (${scorer.ensembleFunction})`;
    case 'third-party':
      return `a scorer of ${scorer.module} (${scorer.className})`;
    case 'memory-augmented':
      return 'a judge aligned with memory';
  }
}
