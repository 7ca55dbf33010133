import type { CodeDefinition } from '../domain/code/code-definition.ts';
import type { RunCode } from '../domain/code/run-code.ts';
import { createHeuristic } from '../domain/heuristics/create-heuristic.ts';
import type { HeuristicDefinition } from '../domain/heuristics/definition.ts';
import { InvalidSchemaError } from '../domain/heuristics/json-validity.ts';
import { InvalidJudgeError } from '../domain/judging/definition.ts';
import { InvalidPatternError } from '../domain/linear-regex.ts';
import type { Runnable, Scorer, ScorerTraits, ScorerVersion } from '../domain/scorer.ts';
import { createCodeScorer } from './code/code-scorers.ts';
import { createRegisteredJudge } from './judge-definition.ts';
import {
  InvalidSerializedScorerError,
  parseSerializedScorer,
  type SerializedScorer,
} from './parse-serialized-scorer.ts';
import { decideRun, needsExpectations } from './scorer-runs.ts';

export { InvalidSerializedScorerError, parseSerializedScorer };

const created = new Map<string, Runnable>();
/** A function's environment meets the scorers of a few experiments; schemas and patterns are worth keeping compiled. */
const maxCreated = 500;

/** Builds the scorer of a registered version. The same serialized text gives the same scorer, built once. */
export function createScorer({ serialized }: Pick<ScorerVersion, 'serialized'>, run: RunCode = runsNoCode): Runnable {
  const known = created.get(serialized);
  if (known !== undefined) return known;
  const scorer = build(serialized, run);
  if (created.size >= maxCreated) created.clear();
  created.set(serialized, scorer);
  return scorer;
}

/** Most functions only want to know whether a scorer could run. */
async function runsNoCode(): Promise<never> {
  throw new Error('code runs where scorers are run');
}

function build(serialized: string, run: RunCode): Runnable {
  try {
    return fromSerialized(parseSerializedScorer(serialized), run);
  } catch (error) {
    if (isRefusal(error)) return { unsupported: error.message };
    throw error;
  }
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof InvalidSerializedScorerError ||
    error instanceof InvalidPatternError ||
    error instanceof InvalidSchemaError ||
    error instanceof InvalidJudgeError
  );
}

function fromSerialized(scorer: SerializedScorer, run: RunCode): Runnable {
  const decision = decideRun(scorer);
  if (decision.kind === 'never') return { unsupported: decision.reason };
  const code = codeOf(scorer);
  if (code !== undefined) return createCodeScorer(code, run);
  if (scorer.kind === 'heuristic') return fromDefinition(scorer.definition);
  const judge = createRegisteredJudge(scorer, (member) => fromSerialized(member, run));
  if (judge === undefined) throw new Error(`nothing runs scorers of kind ${scorer.kind}`);
  return { judge };
}

/** The code of a scorer that is code. */
function codeOf(scorer: SerializedScorer): CodeDefinition | undefined {
  if (scorer.kind === 'assay-code') return scorer.code;
  if (scorer.kind !== 'code') return undefined;
  const { source, signature, functionName } = scorer;
  return { language: 'python', source, signature, functionName };
}

function fromDefinition(definition: HeuristicDefinition): Scorer {
  const heuristic = createHeuristic(definition);
  return { sourceType: 'CODE', score: (trace) => [heuristic(trace)] };
}

/** A judge knows what it judges, whatever is said of it. */
function levelOf(created: Runnable, { isSessionLevel }: SerializedScorer): ScorerTraits['level'] {
  if ('judge' in created) return created.judge.level;
  return isSessionLevel ? 'session' : 'trace';
}

/** What the rules must know of a version that they follow. */
export function readTraits(version: Pick<ScorerVersion, 'serialized'>): ScorerTraits {
  const scorer = parseSerializedScorer(version.serialized);
  const created = createScorer(version);
  return {
    level: levelOf(created, scorer),
    ...('unsupported' in created && { unsupported: created.unsupported }),
    needsExpectations: needsExpectations(scorer),
    asksModel: 'judge' in created,
  };
}
