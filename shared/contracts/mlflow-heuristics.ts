import * as z from 'zod';
import type { HeuristicDefinition } from '../domain/heuristics/definition.ts';
import { piiKinds } from '../domain/heuristics/pii/pii-kind.ts';
import { InvalidHeuristicError } from './heuristic-definition.ts';

/**
 * The parameters of MLflow's built-in scorers without a model, defaults included (mlflow/genai/scorers/builtin_scorers.py, 3.17).
 * They run as Assay's own heuristics: patterns in RE2's syntax, PII with checksums, a trace without outputs is an error, not "no".
 */
const parameters = {
  RegexMatch: z
    .object({
      pattern: z.string(),
      match_type: z.enum(['search', 'fullmatch']).nullish(),
      case_insensitive: z.boolean().nullish(),
    })
    .transform(({ pattern, match_type, case_insensitive }) => ({
      type: 'regex' as const,
      pattern,
      match: match_type ?? 'search',
      ignoreCase: case_insensitive ?? false,
      expect: 'match' as const,
    })),
  PIIDetection: z
    .object({ pii_types: z.array(z.enum(['email', 'phone', 'ssn', 'credit_card', 'ip_address'])).nullish() })
    .transform(({ pii_types }) => ({
      type: 'pii' as const,
      kinds: pii_types ?? piiKinds.filter((kind) => kind !== 'iban' && kind !== 'secret'),
      where: 'outputs' as const,
    })),
  ResponseLength: z
    .object({
      min_length: z.int().min(0).nullish(),
      max_length: z.int().min(0).nullish(),
      unit: z.enum(['chars', 'words']).nullish(),
    })
    .refine(({ min_length: min, max_length: max }) => (min ?? max) != null, 'needs min_length or max_length')
    .refine(
      ({ min_length: min, max_length: max }) => (min ?? 0) <= (max ?? Number.POSITIVE_INFINITY),
      'min_length must not be greater than max_length',
    )
    .transform(({ min_length, max_length, unit }) => ({
      type: 'response_length' as const,
      ...(min_length != null && { min: min_length }),
      ...(max_length != null && { max: max_length }),
      unit: unit ?? ('chars' as const),
    })),
} as const satisfies Record<string, z.ZodType<HeuristicDefinition>>;

/**
 * The heuristic that one of MLflow's model-less built-ins is; undefined for every other class.
 * @throws InvalidHeuristicError
 */
export function parseBuiltinHeuristic(className: string, data: unknown): HeuristicDefinition | undefined {
  if (!isKnown(className)) return undefined;
  const parsed = parameters[className].safeParse(data);
  if (parsed.success) return parsed.data;
  throw new InvalidHeuristicError(
    parsed.error.issues.map(({ path, message }) => `${[className, ...path].join('.')}: ${message}`).join('; '),
  );
}

function isKnown(className: string): className is keyof typeof parameters {
  return Object.hasOwn(parameters, className);
}
