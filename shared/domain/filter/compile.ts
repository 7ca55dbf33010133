import { linkedPromptsTag, readLinkedPrompts } from '../linked-prompts.ts';
import type { ScorableSpan } from '../scorable-trace.ts';
import { assessmentTest } from './assessment-test.ts';
import { compareNumber, compareText } from './compare.ts';
import type { FilterClause, FilterTest } from './filter.ts';
import { InvalidFilterError } from './invalid-filter-error.ts';
import { spanText } from './span-values.ts';
import type { FilterSubject } from './subject.ts';
import { metadataOf, tagOf, traceNumber, traceText } from './trace-values.ts';

type Test = (subject: FilterSubject) => boolean;

/**
 * Turns clauses into closures, cheapest first: those on the trace itself, on its assessments, on its spans.
 * All conditions on spans make one test, since one and the same span must satisfy them.
 */
export function compileClauses(clauses: readonly FilterClause[]): readonly FilterTest[] {
  const spanClauses = clauses.filter(({ entity }) => entity === 'span');
  const others = clauses.filter(({ entity }) => entity !== 'span');
  const tests = [...others.filter((clause) => !isOnAssessments(clause)), ...others.filter(isOnAssessments)].map(
    (clause) => ({
      clause: clause.text,
      matches: compileClause(clause),
    }),
  );
  if (spanClauses.length === 0) return tests;
  return [...tests, { clause: spanClauses.map(({ text }) => text).join(' AND '), matches: spanTest(spanClauses) }];
}

function isOnAssessments({ entity }: FilterClause): boolean {
  return entity === 'feedback' || entity === 'expectation' || entity === 'issue';
}

function compileClause(clause: FilterClause): Test {
  switch (clause.entity) {
    case 'attribute':
      return attributeTest(clause);
    case 'tag':
      return clause.key === linkedPromptsTag ? promptTest(clause) : keyedTest(clause, tagOf(clause.key));
    case 'request_metadata':
      return runKeys.has(clause.key) ? runTest(clause) : keyedTest(clause, metadataOf(clause.key));
    case 'feedback':
    case 'expectation':
      return assessmentTest(clause);
    case 'issue':
      // Assay keeps no issues, so no trace is linked to one.
      return () => false;
    case 'span':
      return spanTest([clause]);
  }
}

function attributeTest(clause: FilterClause): Test {
  const numberOf = traceNumber(clause.key);
  if (numberOf) return onPresent(numberOf, compareNumber(clause));
  const textOf = traceText(clause.key);
  if (textOf) return onPresent(textOf, compareText(clause));
  throw new InvalidFilterError(`Invalid attribute key '${clause.key}' specified.`);
}

function keyedTest(clause: FilterClause, read: (subject: FilterSubject) => string | undefined): Test {
  if (clause.comparator === 'IS NULL') return (subject) => read(subject) === undefined;
  if (clause.comparator === 'IS NOT NULL') return (subject) => read(subject) !== undefined;
  return onPresent(read, compareText(clause));
}

function onPresent<Value>(read: (subject: FilterSubject) => Value | undefined, test: (value: Value) => boolean): Test {
  return (subject) => {
    const value = read(subject);
    return value !== undefined && test(value);
  };
}

/** MLflow takes `metadata.run_id` for the run, too. */
const runKeys: ReadonlySet<string> = new Set(['mlflow.sourceRun', 'run_id']);

/** Of a run are the traces that were sent from it and, for `=` as in MLflow, those that were linked to it afterwards. */
function runTest(clause: FilterClause): Test {
  const isFrom = keyedTest(clause, metadataOf(clause.key));
  if (clause.comparator !== '=') return isFrom;
  const run = String(clause.value);
  return (subject) => isFrom(subject) || (subject.facts.linkedRuns?.includes(run) ?? false);
}

/** `prompt = 'name/version'` */
function promptTest({ value }: FilterClause): Test {
  const [name, version, ...more] = String(value).split('/');
  if (name === undefined || version === undefined || more.length > 0) {
    throw new InvalidFilterError(`Invalid prompts filter value '${value}'. Expected format: prompt = "name/version"`);
  }
  const linked = tagOf(linkedPromptsTag);
  return (subject) => readLinkedPrompts(linked(subject)).some((prompt) => `${prompt.name}/${prompt.version}` === value);
}

function spanTest(clauses: readonly FilterClause[]): Test {
  const tests = clauses.map((clause) => {
    const textOf = spanText(clause.key);
    const test = compareText(clause);
    return (span: ScorableSpan) => {
      const text = textOf(span);
      return text !== undefined && test(text);
    };
  });
  return (subject) => {
    for (const span of subject.spans()) if (tests.every((test) => test(span))) return true;
    return false;
  };
}
