import { describe, expect, it } from 'vitest';
import type { ScorerOutcome } from '../../../../cli/evaluate/evaluator.ts';
import { heldReasons, toCsv, toText } from '../../../../cli/evaluate/show.ts';
import { type EvaluatedRow, shortfall, summarize } from '../../../../cli/evaluate/summarize.ts';
import type { JsonValue } from '../../../../shared/domain/span.ts';
import { anAssessment } from '../../../support/builders/an-assessment.ts';

const judged = (scorer: string, ...values: readonly (JsonValue | readonly [string, JsonValue])[]): ScorerOutcome => ({
  ...{ scorer, state: 'judged', usd: 0.5, tokens: 100 },
  assessments: values.map((value) => {
    const [name, own] = Array.isArray(value) ? value : [scorer, value];
    return anAssessment({ name, value: own, rationale: 'so, "it" is' });
  }),
});
const failed = (scorer: string): ScorerOutcome => {
  const error = { code: 'NO_OUTPUTS', message: 'nothing' };
  return {
    scorer,
    state: 'failed',
    assessments: [anAssessment({ name: scorer, value: null, error })],
    usd: 0,
    tokens: 0,
  };
};
const held = (scorer: string): ScorerOutcome => ({
  scorer,
  state: 'held',
  reason: 'down',
  assessments: [],
  usd: 0,
  tokens: 0,
});
const rows = (...outcomes: readonly (readonly ScorerOutcome[])[]): readonly EvaluatedRow[] =>
  outcomes.map((own, i) => ({ line: i + 1, traceId: `tr-${i + 1}`, outcomes: own }));

describe('a summary', () => {
  it.each([
    ['numbers', [1, 2, 6], { scored: 3, mean: 3 }],
    ['yes and no', ['yes', 'no', 'yes', 'yes'], { scored: 4, passRate: 0.75 }],
    ['booleans', [true, false], { scored: 2, passRate: 0.5 }],
    ['choices', ['good', 'bad', 'good', 'yes'], { scored: 4, values: { good: 2, bad: 1, yes: 1 } }],
    ['numbers and texts', [1, 'yes'], { scored: 2, values: { 1: 1, yes: 1 } }],
  ])('of %s', (_, values, expected) => {
    const [summary] = summarize(['tone'], rows(...values.map((value) => [judged('tone', value)])));
    expect(summary).toEqual({
      name: 'tone',
      scorer: 'tone',
      failed: 0,
      held: 0,
      usd: values.length / 2,
      tokens: values.length * 100,
      ...expected,
    });
  });

  it('counts failures, and has no score of them', () => {
    const [summary] = summarize(['tone'], rows([judged('tone', 1)], [failed('tone')], [held('tone')]));
    expect(summary).toMatchObject({ scored: 1, mean: 1, failed: 1, held: 1 });
  });

  it('has a line for each name under which a scorer found something, and its cost once', () => {
    const both = summarize(['own'], rows([judged('own', ['length', 4], ['kind', 'a'])]));
    expect(both).toMatchObject([
      { name: 'length', mean: 4, usd: 0.5, tokens: 100 },
      { name: 'kind', scorer: 'own', usd: 0, tokens: 0 },
    ]);
  });
});

describe('a threshold', () => {
  const summaries = summarize(
    ['pass', 'number', 'choice', 'broken'],
    rows(
      [judged('pass', 'yes'), judged('number', 0.8), judged('choice', 'good'), failed('broken')],
      [judged('pass', 'no'), judged('number', 1), judged('choice', 'bad'), failed('broken')],
    ),
  );

  it.each([
    ['pass', 0.5, undefined],
    ['pass', 0.51, 'pass is 0.5: at least 0.51 was asked for'],
    ['number', 0.9, undefined],
    ['number', 0.91, 'number is 0.9: at least 0.91 was asked for'],
    ['choice', 0, expect.stringMatching(/neither numbers nor yes and no/)],
    ['broken', 0, 'broken has no scores: at least 0 was asked for'],
    ['nobody', 0, 'nobody has no scores: at least 0 was asked for'],
  ])('%s=%d', (name, least, expected) => {
    expect(shortfall({ name, least }, summaries)).toEqual(expected);
  });
});

describe('results', () => {
  const some = rows([judged('tone', 'yes'), held('safe')], [failed('tone'), judged('safe', ['a', 1], ['b', { c: 2 }])]);
  const summaries = summarize(['tone', 'safe'], some);

  it('tell which scorers were not asked, and why', () => {
    const wanted = summarize(['tone', 'safe', 'session'], some);
    expect(heldReasons({ rows: some, badRows: [], summaries: wanted })).toEqual([
      'safe did not judge 1 rows: down',
      'session judges sessions, and no row is of one',
    ]);
  });

  it('as a table show scores, and how scorers failed', () => {
    expect(toText({ rows: some, badRows: [], summaries }).split('\n').slice(0, 4)).toEqual([
      'row  tone        a     b',
      '───  ──────────  ────  ───────',
      '  1  yes         held  held',
      '  2  NO_OUTPUTS  1     {"c":2}',
    ]);
  });

  it('as CSV have a line each, quoted where they must be', () => {
    expect(toCsv({ rows: some }).split('\n')).toEqual([
      'row,trace_id,scorer,state,name,value,error,rationale,span_id,usd,tokens',
      '1,tr-1,tone,judged,tone,yes,,"so, ""it"" is",,0.5,100',
      '1,tr-1,safe,held,,,down,,,0,0',
      '2,tr-2,tone,failed,tone,,NO_OUTPUTS: nothing,,,0,0',
      '2,tr-2,safe,judged,a,1,,"so, ""it"" is",,0.5,100',
      '2,tr-2,safe,judged,b,"{""c"":2}",,"so, ""it"" is",,0,0',
    ]);
  });
});
