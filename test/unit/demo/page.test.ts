import { beforeAll, describe, expect, test } from 'vitest';
import type { Trace } from '../../../demo/assay-api.ts';
import { judgementsOf } from '../../../demo/judgements.ts';
import { judgesSection } from '../../../demo/page/judges-section.ts';
import { type DemoResult, page } from '../../../demo/page/page.ts';
import { percentile } from '../../../demo/page/statistics.ts';
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
    judgedAfter: waits(evidence.traces),
    questions: [
      { title: 'How many?', sql: 'SELECT 1', result: { columns: ['mean'], rows: [['0.123456'], [undefined]] } },
    ],
    checks: reconcile(evidence),
  };
});

/** From five seconds on, a tenth of a second more for each. */
function waits(traces: readonly Trace[]): ReadonlyMap<string, number> {
  const ids = traces.flatMap((trace) => judgementsOf(trace).map(({ assessment_id }) => assessment_id));
  return new Map(ids.map((id, i) => [id, 5000 + i * 100]));
}

/** The cells of the line that begins with a word. */
function lineOf(word: string, text = page(result)): readonly string[] {
  const line = text.split('\n').find((line) => line.trim().startsWith(word));
  return line?.trim().split(/ {2,}/) ?? [];
}

function expectationOf(name: string) {
  const found = result.expectations.find(({ scorer }) => scorer.name === name);
  if (found === undefined) throw new Error(`the demo has no scorer ${name}`);
  return found;
}

describe('the page', () => {
  test('says that both models are scripts, and that none was asked', () => {
    expect(page(result).replaceAll('\n', ' ')).toMatch(
      /language model and the judges' model are scripts.*no model was asked, and nothing was paid/,
    );
  });

  test('has prose and tables for a terminal of 80 columns', () => {
    const lines = page(result).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test('has no colours where it does not go to a terminal', () => {
    expect(page(result)).not.toContain('\x1b');
  });

  test('tells traces and latencies', () => {
    expect(page(result)).toContain(`${result.sent.byTrace.size} traces of 12 sessions, ${result.sent.count} spans`);
    expect(lineOf('duration of a trace')).toEqual(['duration of a trace', 'p50 250 ms', 'p95 250 ms', 'max 250 ms']);
    const times = [...result.judgedAfter.values()];
    expect(page(result)).toContain(`max ${((5000 + (times.length - 1) * 100) / 1000).toFixed(1)} s`);
  });

  test('tells of each scorer its filter and rate, what it judged and found, and its median second', () => {
    const seconds = (name: string) => {
      const by = result.traces.flatMap((trace) => judgementsOf(trace, name));
      const times = by.map(({ assessment_id }) => result.judgedAfter.get(assessment_id) ?? 0);
      return `${(percentile(times, 0.5) / 1000).toFixed(1)} s`;
    };
    const figures = (name: string) => {
      const { scorer, selected } = expectationOf(name);
      return [`${100 * scorer.rate} %`, String(selected.size), '0'];
    };
    const ok = "trace.status = 'OK'";
    const words = ['answer_words', ok, ...figures('answer_words'), 'mean 21.5', seconds('answer_words')];
    expect(lineOf('answer_words')).toEqual(words);
    expect(lineOf('no_pii')).toEqual(['no_pii', 'all', ...figures('no_pii'), '100 % yes', seconds('no_pii')]);
  });

  test('tells of each judge the API, its answers, tokens and cost', () => {
    const { selected } = expectationOf('helpfulness');
    const [answers, tokens] = [selected.size, selected.size * 120].map((value) => value.toLocaleString('en-US'));
    const cost = (selected.size * 0.0002).toFixed(4);
    expect(lineOf('helpfulness', judgesSection(result))).toEqual([
      'helpfulness',
      'bedrock',
      answers,
      '0',
      '0',
      tokens,
      cost,
    ]);
  });

  test('tells how many calls failed, and that all was judged all the same, or what was not', () => {
    const { task = '' } = expectationOf('discretion').scorer;
    const failed = [429, 503].map((status) => ({ task, status, inputTokens: 0, outputTokens: 0 }));
    const judging = { ...result.judging, calls: [...result.judging.calls, ...failed] };
    const told = (changed: Partial<DemoResult>) =>
      judgesSection({ ...result, judging, ...changed }).replaceAll(/\n */g, ' ');
    expect(told({})).toContain(`Of ${judging.calls.length} calls 2 failed with 429 or 503`);
    expect(told({})).toContain('every trace was judged all the same');
    expect(told({ traces: [] })).not.toContain('all the same');
    expect(told({ traces: [] })).toContain(' judgements are missing');
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
