import { describe, expect, it, test } from 'vitest';
import type { Experiment } from '../../../shared/domain/experiment.ts';
import { compileFilter } from '../../../shared/domain/registry-search/compile-filter.ts';
import { compareBy, parseOrder } from '../../../shared/domain/registry-search/compile-order.ts';
import { runVocabulary } from '../../../shared/domain/registry-search/run-vocabulary.ts';
import { searchExperiments } from '../../../shared/domain/registry-search/search-experiments.ts';
import { experimentOfRun, makeRunId, makeRunName, type Run, runIdBound } from '../../../shared/domain/run.ts';

function anExperiment(id: number, rest: Partial<Experiment> = {}): Experiment {
  return {
    experimentId: String(id),
    name: `name ${id}`,
    lifecycleStage: 'active',
    createdAt: 1_000 + id,
    updatedAt: 9_000 - id,
    tags: {},
    ...rest,
  };
}

const some = [
  anExperiment(2, { name: 't2', tags: { a: 'b', 'mlflow.note': '100%' } }),
  anExperiment(5, { name: 't1b' }),
  anExperiment(10, { name: 'Default' }),
];

function search(query: Partial<Parameters<typeof searchExperiments>[1]>) {
  return searchExperiments(some, { viewType: 'ACTIVE_ONLY', orderBy: [], limit: 100, ...query });
}

const ids = (found: ReturnType<typeof searchExperiments>) => found.experiments.map((one) => Number(one.experimentId));

describe('a filter on experiments finds as MLflow 3.18 does', () => {
  test.each([
    ["name = 't2'", [2]],
    ["name LIKE 't%'", [5, 2]],
    ["name ILIKE 'T%'", [5, 2]],
    ["attribute.name = 't2'", [2]],
    ["attributes.name = 't2'", [2]],
    ["tags.a = 'b'", [2]],
    ["tag.a != 'c'", [2]],
    ["tags.`mlflow.note` LIKE '100\\%'", []],
    ["tags.`mlflow.note` = '100%'", [2]],
    ['tags.zz IS NULL', [10, 5, 2]],
    ['tags.a IS NOT NULL', [2]],
    ["tags.constructor != 'x'", []],
    ['creation_time > 1004', [10, 5]],
    ['creation_time > 1004.5', [10, 5]],
    ['last_update_time <= 8995 and creation_time != 1010', [5]],
    ["experiment_id = '2'", [2]],
    ["experiment_id IN ('2','5')", [5, 2]],
    ['experiment_id NOT IN (\'2\', "5")', [10]],
    ["name = 't2' AND tags.a='b'", [2]],
    ["tags.a LIKE 'B'", []],
    ['tags."a" ILIKE \'B\'', [2]],
    ["name like 't2'", [2]],
    ['', [10, 5, 2]],
    ['  ', [10, 5, 2]],
  ])('%s', (filter, expected) => {
    expect(ids(search({ filter }))).toEqual(expected);
  });

  test.each([
    ["creation_time > '5'", "Expected numeric value type for numeric attribute: creation_time. Found '5'"],
    ["name > 'a'", /^Invalid comparator '>' not one of/],
    ["name IN ('t2')", /^Invalid comparator 'IN' not one of/],
    ['experiment_id IN ()', /ill-formed list/],
    ["experiment_id IN ('a' 'b')", /ill-formed list/],
    ['tags.a = 5', "Expected a quoted string value for tag (e.g. 'my-value'). Got value 5"],
    ['name = t2', /^Parameter value is either not quoted/],
    ["name = 't2' OR name='t1'", "Invalid clause(s) in filter string: 'OR'"],
    ["bogus = 'x'", /^Invalid attribute key 'bogus' specified/],
    ["params.x = 'y'", /^Invalid entity type 'params'/],
    ['name IS NULL', /only supported for tags/],
  ])('%s is refused', (filter, message) => {
    expect(() => search({ filter })).toThrow(message);
  });
});

describe('an order of experiments', () => {
  test.each([
    [[], [10, 5, 2]],
    [['name'], [10, 5, 2]],
    [['name DESC'], [2, 5, 10]],
    [['experiment_id'], [2, 5, 10]],
    [['attribute.last_update_time ASC'], [10, 5, 2]],
  ])('%j', (orderBy, expected) => {
    expect(ids(search({ orderBy }))).toEqual(expected);
    // Page by page it is the same.
    const pages: number[] = [];
    let cursor: string | undefined;
    do {
      const page = search({ orderBy, limit: 1, cursor });
      pages.push(...ids(page));
      cursor = page.cursor;
    } while (cursor);
    expect(pages).toEqual(expected);
  });
});

const aRun = (rest: Partial<Run['info']> & Partial<Omit<Run, 'info'>> = {}): Run => {
  const { metrics = [], params = {}, tags = {}, inputs = [], ...info } = rest;
  return {
    info: {
      runId: '00000001'.padEnd(32, 'a'),
      experimentId: '1',
      name: 'wise-otter-1',
      userId: 'ann',
      status: 'FINISHED',
      startTime: 5,
      artifactUri: 'mlflow-artifacts:/1/x/artifacts',
      lifecycleStage: 'active',
      ...info,
    },
    metrics,
    params,
    tags,
    inputs,
  };
};
const point = (key: string, value: number) => ({ key, value, timestamp: 1, step: 0 });

describe('a filter on runs', () => {
  const run = aRun({
    metrics: [point('acc/mean', 0.5), point('nan', Number.NaN)],
    params: { depth: '3' },
    tags: { team: 'a b' },
  });
  test.each([
    ['metrics.`acc/mean` > 0.4', true],
    ['metric."acc/mean" <= 0.4', false],
    ['metrics.nan > 0', false],
    ['metrics.nan != 0', true],
    ['metrics.none != 0', false],
    ["params.depth = '3' AND tags.team LIKE 'a%'", true],
    ['parameters.none IS NULL', true],
    ["status = 'FINISHED' and start_time < 6", true],
    ["attributes.run_name ILIKE 'WISE%'", true],
    ["attr.`Run name` = 'x'", false],
    ["tags.mlflow.runName = 'wise-otter-1'", true],
    ['end_time > 0', false],
    ["run_id IN ('x')", false],
  ])('%s: %s', (filter, expected) => {
    expect(compileFilter(filter, runVocabulary)(run)).toBe(expected);
  });

  test.each([
    ["metrics.x = '5'", "Expected numeric value type for metric. Found '5'"],
    ["params.x > '5'", /^Invalid comparator '>'/],
    ["dataset.name = 'x'", /^Invalid entity type 'dataset'/],
  ])('%s is refused', (filter, message) => {
    expect(() => compileFilter(filter, runVocabulary)).toThrow(message);
  });
});

it('sorts what is absent last and NaN before it, whatever the direction', () => {
  const runs = [
    aRun({ name: 'absent' }),
    aRun({ name: 'nan', metrics: [point('m', Number.NaN)] }),
    aRun({ name: 'one', metrics: [point('m', 1)] }),
    aRun({ name: 'two', metrics: [point('m', 2)] }),
  ];
  const sorted = (term: string) =>
    runs.toSorted(compareBy(parseOrder([term], runVocabulary))).map(({ info }) => info.name);
  expect(sorted('metrics.m')).toEqual(['one', 'two', 'nan', 'absent']);
  expect(sorted('metrics.`m` DESC')).toEqual(['two', 'one', 'nan', 'absent']);
  expect(() => parseOrder(['bogus'], runVocabulary)).toThrow("Invalid attribute key 'bogus'");
  expect(() => parseOrder(['metrics.m FOO'], runVocabulary)).toThrow(/Invalid ordering key/);
});

describe('the id of a run', () => {
  const random = 'f'.repeat(32);

  it('tells its experiment, and is of the shape that MLflow’s are', () => {
    for (const experimentId of ['0', '7', '2147483647']) {
      const runId = makeRunId({ experimentId, startTime: 1_795_254_723_338 }, random);
      expect(runId).toMatch(/^[0-9a-f]{32}$/);
      expect(experimentOfRun(runId)).toBe(experimentId);
    }
    for (const other of ['', 'nope', 'g'.repeat(32), 'F'.repeat(32), '8'.repeat(32), 'a'.repeat(32)])
      expect(experimentOfRun(other)).toBeUndefined();
  });

  it('bounds, in every experiment, the runs that come after it newest first', () => {
    const id = (experimentId: string, startTime: number, chance = '5') =>
      makeRunId({ experimentId, startTime }, chance.repeat(32));
    const last = id('2', 1_000);
    const follows = (runId: string) => runId < runIdBound(experimentOfRun(runId) ?? '', last);
    expect([id('2', 999), id('2', 1_000, '4'), id('1', 1_000, 'f'), id('3', 999, 'f')].map(follows)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(
      [last, id('2', 1_001, '0'), id('2', 1_000, '6'), id('1', 1_001, '0'), id('3', 1_000, '0')].map(follows),
    ).toEqual([false, false, false, false, false]);
  });

  it('gives a run without a name one', () => {
    expect(makeRunName('0123456789abcdef0123456789abcdef')).toMatch(/^[a-z]+-[a-z]+-\d{1,3}$/);
  });
});
