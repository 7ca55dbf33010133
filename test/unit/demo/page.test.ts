import { beforeAll, describe, expect, test } from 'vitest';
import { type DemoResult, page } from '../../../demo/page/page.ts';
import { reconcile } from '../../../demo/reconcile/reconcile.ts';
import { publishedCoordinate } from '../../../demo/sampling.ts';
import { anApplicationRun } from './an-application-run.ts';
import { asItShouldBe } from './stored-evidence.ts';

let result: DemoResult;

beforeAll(async () => {
  const evidence = asItShouldBe(await anApplicationRun());
  result = {
    ...evidence,
    sessions: 12,
    judgedAfter: [5100, 5900, 7000],
    questions: [
      { title: 'How many?', sql: 'SELECT 1', result: { columns: ['mean'], rows: [['0.123456'], [undefined]] } },
    ],
    checks: reconcile(evidence),
  };
});

/** The cells of the line that begins with a word. */
function lineOf(word: string, text = page(result)): readonly string[] {
  const line = text.split('\n').find((line) => line.trim().startsWith(word));
  return line?.trim().split(/ {2,}/) ?? [];
}

describe('the page', () => {
  test('says that the language model is a script', () => {
    expect(page(result)).toContain('its language model is a script on this machine');
  });

  test('has no colours where it does not go to a terminal', () => {
    expect(page(result)).not.toContain('\x1b');
  });

  test('tells traces and latencies', () => {
    expect(page(result)).toContain(`${result.sent.byTrace.size} traces of 12 sessions, ${result.sent.count} spans`);
    expect(lineOf('duration of a trace')).toEqual(['duration of a trace', 'p50 250 ms', 'p95 250 ms', 'max 250 ms']);
    expect(page(result)).toContain('p50 5.9 s   p95 7.0 s   max 7.0 s');
  });

  test('tells of each scorer its filter, rate, expected and judged traces and what it found', () => {
    const [words, verdicts] = ['answer_words', 'no_pii'].map((name) =>
      result.expectations.find(({ scorer }) => scorer.name === name),
    );
    const figures = (expectation = words) => [
      String(expectation?.concerned.size),
      `${100 * (expectation?.scorer.rate ?? 0)} %`,
      ...Array(2).fill(String(expectation?.selected.size)),
      '0',
    ];
    expect(lineOf('answer_words')).toEqual(['answer_words', "trace.status = 'OK'", ...figures(), 'mean 21.5']);
    expect(lineOf('no_pii')).toEqual(['no_pii', 'all', ...figures(verdicts), '100 % yes']);
  });

  test('explains by u and rate why a trace was not judged, by the scorer of the lowest rate', () => {
    const [, traceId = ''] = /(tr-[0-9a-f]{32}) was not judged by fast_enough/.exec(page(result)) ?? [];
    const u = publishedCoordinate(traceId);
    expect(u).toBeGreaterThanOrEqual(0.1);
    expect(page(result)).toContain(`u = ${u.toFixed(6)}, which is not below the rate of 0.1`);
  });

  test('shows an assessment with its rationale, and answers of the archive', () => {
    expect(page(result)).toContain('"There is nothing to object to."');
    expect(page(result)).toMatch(/ SELECT 1\n +mean\n +─+\n +0\.123\n +–\n/);
  });

  test('says that everything reconciles, or what does not', () => {
    expect(page(result)).toContain('Everything reconciles');
    const checks = [{ what: 'spans stored', expected: 2, found: 1, problems: ['missing: tr-1/2'] }];
    const failed = page({ ...result, checks });
    expect(failed).toContain('✗ spans stored: missing: tr-1/2');
    expect(failed).not.toContain('Everything reconciles');
  });
});
