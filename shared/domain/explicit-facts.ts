import { isDeepStrictEqual } from 'node:util';
import type { Explicit, ExplicitField, TraceFacts, TraceInfo } from './trace.ts';

/** Something said of a trace beside its spans. Saying it twice changes nothing. */
export interface TraceStatement {
  readonly facts?: Partial<Pick<TraceFacts, ExplicitField>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly removedTags?: readonly string[];
  readonly spanCount?: number;
}

const nothing: Explicit = { fields: [], tags: [], removedTags: [], metadata: [] };

/** The trace with what was said of it. What it said before and does not say now stays. */
export function withStatement(info: TraceInfo, statement: TraceStatement): TraceInfo {
  const { facts = {}, tags = {}, metadata = {}, removedTags = [], spanCount } = statement;
  const before = info.explicit ?? nothing;
  const isSet = (tag: string) => Object.hasOwn(tags, tag);
  const explicit: Explicit = {
    fields: union(before.fields, Object.keys(facts) as ExplicitField[]),
    tags: union(before.tags, Object.keys(tags)).filter((tag) => isSet(tag) || !removedTags.includes(tag)),
    removedTags: union(before.removedTags, removedTags).filter((tag) => !isSet(tag)),
    metadata: union(before.metadata, Object.keys(metadata)),
    ...((spanCount ?? before.spanCount) !== undefined && { spanCount: spanCount ?? before.spanCount }),
  };
  return {
    ...info,
    explicit,
    facts: {
      ...info.facts,
      ...facts,
      tags: { ...without(info.facts.tags, explicit.removedTags), ...tags },
      metadata: { ...info.facts.metadata, ...metadata },
    },
  };
}

/** Facts newly derived of spans, with what was said of the trace put over them. */
export function withExplicit(
  derived: TraceFacts,
  { facts, explicit }: Pick<TraceInfo, 'facts' | 'explicit'>,
): TraceFacts {
  if (explicit === undefined) return derived;
  return {
    ...derived,
    ...pick(facts, explicit.fields),
    tags: { ...without(derived.tags, explicit.removedTags), ...only(facts.tags, explicit.tags) },
    metadata: { ...derived.metadata, ...only(facts.metadata, explicit.metadata) },
  };
}

const sayable = [
  'requestTime',
  'durationMs',
  'state',
  'requestPreview',
  'responsePreview',
  'clientRequestId',
  'tokens',
  'cost',
  'linkedRuns',
] as const satisfies readonly ExplicitField[];

/** What must have been said of a trace beside its spans, so that its facts are these; undefined where nothing was. */
export function statedBeyond(derived: TraceFacts, facts: TraceFacts): Explicit | undefined {
  const differing = (from: Texts, to: Texts) => Object.keys(to).filter((key) => from[key] !== to[key]);
  const explicit: Explicit = {
    fields: sayable.filter((field) => facts[field] !== undefined && !isDeepStrictEqual(facts[field], derived[field])),
    tags: differing(derived.tags, facts.tags),
    removedTags: Object.keys(derived.tags).filter((tag) => !Object.hasOwn(facts.tags, tag)),
    metadata: differing(derived.metadata, facts.metadata),
  };
  return Object.values(explicit).every(({ length }) => length === 0) ? undefined : explicit;
}

function union<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  return [...new Set([...first, ...second])];
}

function pick<T extends object, Name extends keyof T>(from: T, names: readonly Name[]): Partial<Pick<T, Name>> {
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(from, name)).map((name) => [name, from[name]]),
  ) as Partial<Pick<T, Name>>;
}

type Texts = Readonly<Record<string, string>>;

function only(record: Texts, names: readonly string[]): Texts {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
}

function without(record: Texts, names: readonly string[]): Texts {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}
