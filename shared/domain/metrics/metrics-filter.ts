import { ApiError } from '../api-error.ts';
import type { Assessment } from '../assessment.ts';
import { own } from '../facts/who.ts';
import { groupTokens, isClause, type RawClause } from '../filter/parse-clauses.ts';
import { stripQuotes } from '../filter/read-value.ts';
import type { FilterToken } from '../filter/tokenize.ts';
import { metadataOf, tagOf } from '../filter/trace-values.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import type { TraceInfo } from '../trace.ts';
import type { MetricView } from './vocabulary.ts';

/** What the filters of a query ask; of each kind all must hold. */
export interface MetricsFilter {
  readonly onTrace: (info: TraceInfo) => boolean;
  readonly onSpan: (span: ScorableSpan) => boolean;
  readonly onAssessment: (assessment: Assessment) => boolean;
  readonly clauses: readonly MetricsClause[];
}

/** `<subject>.<entity>[.<key>] = '<value>'` */
interface MetricsClause {
  readonly subject: 'trace' | 'span' | 'assessment';
  readonly entity: string;
  readonly key?: string;
  readonly value: string;
}

const entities = {
  trace: { status: false, tag: true, metadata: true },
  span: { name: false, status: false, type: false },
  assessment: { name: false, type: false },
} as const satisfies Record<MetricsClause['subject'], Record<string, boolean>>;

/**
 * Reads the filters of a metrics query, one clause each: a smaller grammar than that of searches, with words of its own.
 * @throws InvalidFilterError or ApiError with MLflow's text
 */
export function parseMetricsFilters(texts: readonly string[], view: MetricView): MetricsFilter {
  const clauses = texts.map(parseMetricsFilter);
  for (const { subject } of clauses) checkView(subject, view);
  const of = (subject: MetricsClause['subject']) => clauses.filter((clause) => clause.subject === subject);
  const [traceTests, spanTests, assessmentTests] = [
    of('trace').map(traceTest),
    of('span').map(spanTest),
    of('assessment').map(assessmentTest),
  ];
  return {
    onTrace: (info) => traceTests.every((test) => test(info)),
    onSpan: (span) => spanTests.every((test) => test(span)),
    onAssessment: (assessment) => assessmentTests.every((test) => test(assessment)),
    clauses,
  };
}

function checkView(subject: MetricsClause['subject'], view: MetricView): void {
  const needed = ({ span: 'SPANS', assessment: 'ASSESSMENTS', trace: view } as const)[subject];
  if (needed !== view) throw refused(`Filtering by ${subject} is only supported for ${needed} view type, got ${view}`);
}

function parseMetricsFilter(text: string): MetricsClause {
  const parts = text === '' ? [] : groupTokens(text);
  const leftOver = parts.flatMap((part) => (isComparison(part) ? [] : textsOf(part)));
  if (leftOver.length > 0) throw refused(`Invalid clause(s) in filter string: ${leftOver.join(', ')}`);
  const [clause, ...more] = parts.filter(isComparison);
  if (clause === undefined || more.length > 0) throw refused(`Invalid filter: '${text}'. Expected one filter clause.`);
  const target = readTarget(clause.identifier);
  if (clause.comparator !== '=')
    throw refused(`Invalid comparator: '${clause.comparator}', only '=' operator is supported`);
  return { ...target, value: readText(clause.value, target.entity) };
}

/** Lists and IS NULL are no comparisons here. */
function isComparison(part: RawClause | FilterToken): part is RawClause {
  return isClause(part) && !/^(IS|IN|NOT IN)\b/.test(part.comparator);
}

function textsOf(part: RawClause | FilterToken): readonly string[] {
  if (!isClause(part)) return [part.text];
  return [part.identifier, ...part.comparator.split(' '), ...(part.value ? [part.value.text] : [])];
}

function readTarget(identifier: string): Pick<MetricsClause, 'subject' | 'entity' | 'key'> {
  const [view, entity, ...rest] = identifier.split('.');
  if (view === undefined || entity === undefined) {
    throw refused(
      `Invalid identifier '${identifier}'. Columns should be specified as 'trace.<key>', 'span.<key>', 'assessment.<key>'.`,
    );
  }
  const subject = unwrapped(view, ['`']);
  if (!isSubject(subject)) {
    const valid = Object.keys(entities).map((name) => `'${name}'`);
    throw refused(`Invalid view type '${subject}'. Valid values are dict_keys([${valid.join(', ')}])`);
  }
  const known: Readonly<Record<string, boolean>> = entities[subject];
  const needsKey = Object.hasOwn(known, entity) ? known[entity] : undefined;
  if (needsKey === undefined) {
    const valid = Object.keys(known).map((name) => `'${name}'`);
    throw refused(
      `Invalid entity '${entity}' specified for view type '${subject}'. Valid entities are [${valid.join(', ')}]`,
    );
  }
  const key = rest.join('.');
  if (needsKey && key === '')
    throw refused(`Filtering by ${entity} requires a key, e.g. '${subject}.${entity}.<key> = <value>'`);
  if (!needsKey && rest.length > 0)
    throw refused(`Filtering by ${entity} does not require a key, use '${subject}.${entity}' instead`);
  return { subject, entity, ...(needsKey && { key: unwrapped(key, ['"', '`']) }) };
}

function isSubject(text: string): text is MetricsClause['subject'] {
  return Object.hasOwn(entities, text);
}

function unwrapped(text: string, quotes: readonly string[]): string {
  return text.length >= 2 && quotes.includes(text.charAt(0)) && text.endsWith(text.charAt(0))
    ? text.slice(1, -1)
    : text;
}

function readText(value: FilterToken | undefined, entity: string): string {
  if (value === undefined || value.kind === 'number' || value.kind === 'parens')
    throw refused(`Expected a quoted string value for ${entity} value (e.g. 'my-value'). Got value ${value?.text}`);
  return stripQuotes(value.text);
}

function traceTest({ entity, key = '', value }: MetricsClause): (info: TraceInfo) => boolean {
  if (entity === 'status') return ({ facts }) => facts.state === value;
  if (entity === 'tag') {
    // Only in a search is `name` the trace's.
    const read = key === 'name' ? ({ facts }: TraceInfo) => own(facts.tags, key) : tagOf(key);
    return (info) => read(info) === value;
  }
  const read = metadataOf(key);
  if (key !== 'mlflow.sourceRun') return (info) => read(info) === value;
  return (info) => read(info) === value || (info.facts.linkedRuns?.includes(value) ?? false);
}

function spanTest({ entity, value }: MetricsClause): (span: ScorableSpan) => boolean {
  if (entity === 'name') return ({ span }) => span.name === value;
  return entity === 'status' ? ({ span }) => span.status.code === value : ({ facts }) => facts.type === value;
}

function assessmentTest({ entity, value }: MetricsClause): (assessment: Assessment) => boolean {
  return entity === 'name' ? ({ name }) => name === value : ({ kind }) => kind === value;
}

function refused(message: string): ApiError {
  return new ApiError('INVALID_PARAMETER_VALUE', message);
}
