import type { Assessment } from '../assessment.ts';
import { compareNumber, compareText } from './compare.ts';
import type { FilterClause } from './filter.ts';
import type { FilterSubject } from './subject.ts';

type Test = (subject: FilterSubject) => boolean;

/** A condition on feedback or expectations: some valid assessment of that kind and name holds it; IS NULL: there is none. */
export function assessmentTest(clause: FilterClause): Test {
  const { entity, key, comparator } = clause;
  const isMeant = (assessment: Assessment) => assessment.kind === entity && assessment.name === key && assessment.valid;
  if (comparator === 'IS NULL') return (subject) => !some(subject, isMeant);
  if (comparator === 'IS NOT NULL') return (subject) => some(subject, isMeant);
  const holds = valueTest(clause);
  return (subject) => some(subject, (assessment) => isMeant(assessment) && holds(assessment));
}

function some(subject: FilterSubject, test: (assessment: Assessment) => boolean): boolean {
  for (const assessment of subject.assessments()) if (test(assessment)) return true;
  return false;
}

function valueTest(clause: FilterClause): (assessment: Assessment) => boolean {
  const { comparator, value } = clause;
  if (comparator === '!=') {
    const equals = valueTest({ ...clause, comparator: '=' });
    return (assessment) => !equals(assessment);
  }
  if (typeof value === 'number') return numeric(compareNumber(clause));
  const text = textual(compareText(clause));
  const number = Number(value);
  if (comparator !== '=' || value === '' || Number.isNaN(number)) return text;
  const asNumber = numeric(compareNumber({ comparator, value: number }));
  return (assessment) => text(assessment) || asNumber(assessment);
}

/** Numbers compare as numbers, however they were spelt; booleans and texts such as "0.9" are none (as in MLflow). */
function numeric(test: (actual: number) => boolean): (assessment: Assessment) => boolean {
  return ({ value }) => typeof value === 'number' && test(value);
}

/** A text compares as itself and as its JSON, everything else as its JSON (`true`, `4`, `["a"]`). */
function textual(test: (text: string) => boolean): (assessment: Assessment) => boolean {
  return ({ value }) => (typeof value === 'string' && test(value)) || test(JSON.stringify(value));
}
