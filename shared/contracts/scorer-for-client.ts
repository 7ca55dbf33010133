import {
  builtinClasses,
  isAtLeast,
  type MlflowVersion,
  parseMlflowVersion,
  scorerKeys,
  since,
  thirdPartyLibraries,
  toleratesUnknownKeys,
} from './mlflow-clients.ts';

/** Who reads a scorer. */
export interface ScorerReader {
  readonly version: MlflowVersion;
  /** The client has been taught to load `@scorer` functions, as `python/assay-mlflow` does with those before 3.17. */
  readonly loadsCode: boolean;
}

type Wire = Readonly<Record<string, unknown>>;

/** The reader that a request's headers name; undefined for one that is none of MLflow's clients: it is given everything verbatim. */
export function scorerReader(header: (name: string) => string | undefined): ScorerReader | undefined {
  const version = parseMlflowVersion(header('x-mlflow-client-version'));
  if (version === undefined) return undefined;
  return { version, loadsCode: header('x-assay-mlflow') !== undefined || isAtLeast(version, since.code) };
}

/**
 * A serialized scorer without the keys that its reader does not know, where they say nothing; verbatim where there are none. One that the
 * reader cannot load is given as well: what it then says is the client's own word for it.
 */
export function writtenFor(serialized: string, reader: ScorerReader | undefined): string {
  if (reader === undefined) return serialized;
  const wire = JSON.parse(serialized) as Wire;
  const known = stripped(wire, reader);
  return known === wire ? serialized : JSON.stringify(known);
}

/** Whether a reader can load a scorer: MLflow's clients load whole lists or nothing, so one that they cannot is kept out of the list. */
export function canLoad(serialized: string, reader: ScorerReader | undefined): boolean {
  return reader === undefined || isLoadable(JSON.parse(serialized) as Wire, reader);
}

function stripped(wire: Wire, reader: ScorerReader): Wire {
  const { ensemble_scorer_data: ensemble, memory_augmented_judge_data: memory } = wire;
  const parts = partsOf(wire).map((part) => stripped(part, reader));
  const isChanged = partsOf(wire).some((part, i) => part !== parts[i]);
  const idle = Object.keys(wire).filter((key) => !isKnown(key, wire, reader) && saysNothing(wire[key]));
  if (idle.length === 0 && !isChanged) return wire;
  return {
    ...Object.fromEntries(Object.entries(wire).filter(([key]) => !idle.includes(key))),
    ...(isObject(ensemble) && { ensemble_scorer_data: { ...ensemble, scorers: parts } }),
    ...(isObject(memory) && { memory_augmented_judge_data: { ...memory, base_judge: parts[0] } }),
  };
}

/** Serialized scorers inside a serialized scorer. */
function partsOf({ ensemble_scorer_data: ensemble, memory_augmented_judge_data: memory }: Wire): readonly Wire[] {
  if (isObject(ensemble) && Array.isArray(ensemble.scorers)) return ensemble.scorers.filter(isObject);
  return isObject(memory) && isObject(memory.base_judge) ? [memory.base_judge] : [];
}

function isLoadable(wire: Wire, reader: ScorerReader): boolean {
  return isKindKnown(wire, reader) && hasKnownKeys(wire, reader) && partsOf(wire).every((part) => isPart(part, wire));

  function isPart(part: Wire, whole: Wire): boolean {
    // The base of an aligned judge is read strictly by every version.
    const isStrict = isObject(whole.memory_augmented_judge_data);
    return isLoadable(part, reader) && (!isStrict || lacksUnknownKeys(part, reader));
  }
}

/** Which no client of MLflow's knows. */
const ownKinds = ['assay_heuristic', 'assay_code', 'assay_custom_prompt'];

function isKindKnown(wire: Wire, { version, loadsCode }: ScorerReader): boolean {
  const from = (needed: MlflowVersion) => isAtLeast(version, needed);
  if (ownKinds.some((key) => wire[key] != null)) return false;
  if (wire.builtin_scorer_class != null) return isClassKnown(String(wire.builtin_scorer_class), { wire, version });
  if (wire.call_source != null) return loadsCode;
  if (wire.ensemble_scorer_data != null) return from(since.ensembles);
  if (wire.third_party_scorer_data != null)
    return from(since.thirdParty) && isLibraryKnown(wire.third_party_scorer_data, { wire, version });
  const judge = wire.instructions_judge_pydantic_data;
  return !isObject(judge) || isValueTypeKnown(judge.feedback_value_type, version);
}

function isClassKnown(className: string, { wire, version }: { wire: Wire; version: MlflowVersion }): boolean {
  const needed = Object.hasOwn(builtinClasses, className) ? builtinClasses[className] : undefined;
  return needed === undefined ? isOfItsAge(wire, version) : isAtLeast(version, needed);
}

function isLibraryKnown(data: unknown, { wire, version }: { wire: Wire; version: MlflowVersion }): boolean {
  const library = /^mlflow\.genai\.scorers\.([^.]+)/.exec(isObject(data) ? String(data.module) : '')?.[1];
  return (library !== undefined && thirdPartyLibraries.has(library)) || isOfItsAge(wire, version);
}

function isValueTypeKnown(schema: unknown, version: MlflowVersion): boolean {
  if (!isObject(schema) || schema.type !== undefined) return true;
  return isAtLeast(version, schema.anyOf === undefined ? since.mixedLiterals : since.optionalValues);
}

function hasKnownKeys(wire: Wire, reader: ScorerReader): boolean {
  return isAtLeast(reader.version, toleratesUnknownKeys) || lacksUnknownKeys(wire, reader);
}

function lacksUnknownKeys(wire: Wire, reader: ScorerReader): boolean {
  return Object.keys(wire).every((key) => isKnown(key, wire, reader) || saysNothing(wire[key]));
}

function isKnown(key: string, wire: Wire, { version }: ScorerReader): boolean {
  const needed = Object.hasOwn(scorerKeys, key) ? scorerKeys[key] : undefined;
  return needed === undefined ? isOfItsAge(wire, version) : isAtLeast(version, needed);
}

/** What is newer than our tables is known to clients that are as new as the one that wrote it. */
function isOfItsAge({ mlflow_version: writer }: Wire, version: MlflowVersion): boolean {
  const needed = parseMlflowVersion(typeof writer === 'string' ? writer : undefined);
  return needed !== undefined && isAtLeast(version, needed);
}

/** Null, or the 0 of a timeout: what a client assumes that lacks the key. */
function saysNothing(value: unknown): boolean {
  return value === null || value === 0;
}

function isObject(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
