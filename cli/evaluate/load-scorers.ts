import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { builtinJudge, heuristic, javascript } from '../../sdk/index.ts';
import { parseHeuristicDefinition } from '../../shared/contracts/heuristic-definition.ts';
import { builtinClasses } from '../../shared/contracts/mlflow-clients.ts';
import { createScorer, parseSerializedScorer, readTraits } from '../../shared/contracts/serialized-scorer.ts';
import type { RunCode } from '../../shared/domain/code/run-code.ts';
import { UsageError } from '../usage-error.ts';
import type { LocalScorer } from './evaluator.ts';

/** A scorer by its name, as it would be registered. */
interface Named {
  readonly name: string;
  readonly serialized: string;
}

/**
 * The scorers that arguments mean: `scorers.json` (one or many as they are registered, or as `assay --json scorers list` writes them), `short.js`
 * (JavaScript), `Safety` (a built-in judge), `error_free` (a heuristic).
 */
export function loadScorers(given: readonly string[], run: RunCode): readonly LocalScorer[] {
  const named = given.flatMap(readArgument);
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) !== i);
  if (twice) throw new UsageError(`two scorers are named ${twice.name}`);
  return named.map((one) => toScorer(one, run));
}

function readArgument(argument: string): readonly Named[] {
  if (argument.endsWith('.json')) return readFile(argument);
  if (argument.endsWith('.js')) {
    const name = basename(argument, extname(argument));
    return [{ name, serialized: javascript(readText(argument)).serialize(name) }];
  }
  if (Object.hasOwn(builtinClasses, argument)) {
    const name = argument.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
    return [{ name, serialized: builtinJudge(argument).serialize(name) }];
  }
  if (isHeuristic(argument)) return [{ name: argument, serialized: heuristic(argument).serialize(argument) }];
  throw new UsageError(
    `--scorers ${argument}: expected a file (.json, .js), a built-in judge (${Object.keys(builtinClasses).join(', ')}) or a heuristic that needs no parameters (error_free, pii, refusal, latency, …)`,
  );
}

function isHeuristic(type: string): boolean {
  try {
    parseHeuristicDefinition({ type });
    return true;
  } catch {
    return false;
  }
}

function readFile(file: string): readonly Named[] {
  const whole = parsed(readText(file), file);
  const list = Array.isArray(whole) ? whole : [whole];
  return list.map((one: unknown, i) => toNamed(one, `${file}, scorer ${i + 1}`));
}

/** As `scorers list` and a registration write them: the definition is a text beside the name. */
function toNamed(given: unknown, where: string): Named {
  const { serialized_scorer: text, scorer_name, name } = (given ?? {}) as Readonly<Record<string, unknown>>;
  const serialized = typeof text === 'string' ? text : JSON.stringify(given);
  try {
    const { name: own } = parseSerializedScorer(serialized);
    return { name: typeof text === 'string' ? String(scorer_name ?? name ?? own) : own, serialized };
  } catch (error) {
    throw new UsageError(`${where}: ${(error as Error).message}`);
  }
}

function toScorer({ name, serialized }: Named, run: RunCode): LocalScorer {
  const version = { experimentId: '0', name, version: 1, scorerId: name, serialized, createdAt: 0 };
  const scorer = createScorer(version, run);
  if ('unsupported' in scorer) throw new UsageError(`scorer ${name} cannot run: ${scorer.unsupported}`);
  return { version, scorer, level: readTraits(version).level };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`the scorer cannot be read: ${(error as Error).message}`);
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${(error as Error).message}`);
  }
}
