import { describe, expect, test } from 'vitest';
import { canLoad, scorerReader, writtenFor } from '../../../shared/contracts/scorer-for-client.ts';
import { aSerializedScorer } from '../../support/builders/a-serialized-scorer.ts';

const reader = (version: string, more: Readonly<Record<string, string>> = {}) => {
  const headers: Readonly<Record<string, string>> = { 'x-mlflow-client-version': version, ...more };
  return scorerReader((name) => headers[name]);
};

const safety = {
  builtin_scorer_class: 'Safety',
  builtin_scorer_pydantic_data: { name: 'safety', session_level: null },
};
const judge = (feedback_value_type: object | null) => ({
  instructions_judge_pydantic_data: { instructions: 'Rate {{ outputs }}', model: 'openai:/m', feedback_value_type },
});
const ensemble = (part: object) => ({
  ensemble_scorer_data: { ensemble_fn: 'agg_all', scorers: [aSerializedScorer(part)] },
});
const library = (module: string) => ({ third_party_scorer_data: { module, class: 'C', metric_name: 'c' } });

describe('a client', () => {
  // The first version in which it can be loaded, as read in the released wheels.
  test.each([
    ['a built-in judge', safety, '3.9.0'],
    ['a heuristic of MLflow', { builtin_scorer_class: 'PIIDetection', builtin_scorer_pydantic_data: {} }, '3.14.0'],
    ['a wrapper of another library', library('mlflow.genai.scorers.ragas.scorers.rag_metrics'), '3.12.0'],
    ['an ensemble', ensemble(safety), '3.15.2'],
    ['a function', { call_source: 'return 1', call_signature: '()', original_func_name: 'f' }, '3.17.0'],
    ['an ensemble of functions', ensemble({ call_source: 'return 1' }), '3.17.0'],
    ['a judge with a plain value', judge({ enum: ['good', 'bad'], title: 'Result', type: 'string' }), '3.9.0'],
    ['a judge without a declared value', judge(null), '3.9.0'],
    ['a judge with a list', judge({ items: { type: 'string' }, type: 'array' }), '3.9.0'],
    ['a judge with an optional value', judge({ anyOf: [{ type: 'boolean' }, { type: 'null' }] }), '3.12.0'],
    ['a judge with a literal of one value', judge({ const: 'good', type: 'string' }), '3.9.0'],
    ['a judge with a mixed literal', judge({ enum: ['a', 1] }), '3.17.0'],
    ['what says something in a new key', { ...safety, session_level: 'episode' }, '3.13.0'],
    ['an aligned judge', { memory_augmented_judge_data: { base_judge: aSerializedScorer(safety) } }, '3.9.0'],
    [
      'an aligned judge whose base says something in a new key',
      { memory_augmented_judge_data: { base_judge: aSerializedScorer({ ...safety, session_level: 'episode' }) } },
      '3.18.0',
    ],
    ['a class newer than our table', { builtin_scorer_class: 'Mood', mlflow_version: '3.19.1.dev0' }, '3.19.1'],
    ['a library newer than our table', { ...library('mlflow.genai.scorers.new'), mlflow_version: '3.20.0' }, '3.20.0'],
    ['a key newer than our table', { ...safety, mood: 'good', mlflow_version: '3.12.5' }, '3.12.5'],
  ])('is given %s if it can load it', (_what, given, first) => {
    const text = JSON.stringify(aSerializedScorer(given));
    const all = ['3.9.0', '3.10.1', '3.11.1', '3.12.0', '3.12.5', '3.13.0', '3.14.0', '3.15.0', '3.15.2', '3.16.1'];
    const later = ['3.17.0', '3.17.2', '3.18.0', '3.19.1', '3.20.0', '4.0.0'];
    const able = [...all, ...later].filter((version) => canLoad(text, reader(version)));
    expect(able[0]).toBe(first);
    expect(able).toEqual([...all, ...later].slice([...all, ...later].indexOf(first)));
  });

  test('is never given a heuristic of ours, which MLflow does not know', () => {
    expect(canLoad(JSON.stringify({ name: 's', assay_heuristic: { type: 'pii' } }), reader('9.0.0'))).toBe(false);
    expect(canLoad(JSON.stringify({ name: 's', assay_code: { language: 'lambda' } }), reader('9.0.0'))).toBe(false);
  });

  test('before 3.17 is given functions where it says that it can load them', () => {
    const text = JSON.stringify(aSerializedScorer({ call_source: 'return 1' }));
    expect(canLoad(text, reader('3.14.0'))).toBe(false);
    expect(canLoad(text, reader('3.14.0', { 'x-assay-mlflow': '0.1.0' }))).toBe(true);
  });

  test.each([undefined, '', 'curl', '3'])('that is none of MLflow (%j) is given everything, verbatim', (version) => {
    const asked = version === undefined ? scorerReader(() => undefined) : reader(version);
    const text = '{"name": "s",  "assay_heuristic": {"type": "pii"}, "session_level": null}';
    expect(asked).toBeUndefined();
    expect(canLoad(text, asked)).toBe(true);
    expect(writtenFor(text, asked)).toBe(text);
  });
});

describe('what a client reads', () => {
  const keys = (given: object, version: string) =>
    Object.keys(JSON.parse(writtenFor(JSON.stringify(aSerializedScorer(given)), reader(version))));

  test('lacks the keys that its version does not know, where they say nothing', () => {
    const all = Object.keys(aSerializedScorer({}));
    const without = (...gone: readonly string[]) => all.filter((key) => !gone.includes(key));
    const [timeout, level, ensembles, libraries] = [
      'timeout',
      'session_level',
      'ensemble_scorer_data',
      'third_party_scorer_data',
    ];
    expect(keys(safety, '3.11.1')).toEqual(without(timeout, level, ensembles, libraries));
    expect(keys(safety, '3.12.0')).toEqual(without(timeout, level, ensembles));
    expect(keys(safety, '3.16.0')).toEqual(without(timeout, level));
    expect(keys(safety, '3.17.2')).toEqual(without(level));
    expect(keys({ ...safety, session_level: 'episode' }, '3.17.2')).toEqual(all);
    expect(keys({ ...safety, timeout: 5 }, '3.14.0')).toContain('timeout');
  });

  test('is verbatim where nothing has to be left out', () => {
    const text = `  ${JSON.stringify(aSerializedScorer(safety), null, 1)}`;
    expect(writtenFor(text, reader('3.18.0'))).toBe(text);
  });

  test('is adapted inside ensembles and aligned judges, and nowhere else', () => {
    const read = (given: object) => JSON.parse(writtenFor(JSON.stringify(aSerializedScorer(given)), reader('3.15.2')));
    const part = read(ensemble(safety)).ensemble_scorer_data;
    expect(part.ensemble_fn).toBe('agg_all');
    expect(part.scorers[0]).not.toHaveProperty('session_level');
    expect(part.scorers[0].builtin_scorer_pydantic_data).toEqual(safety.builtin_scorer_pydantic_data);
    const memory = read({ memory_augmented_judge_data: { base_judge: aSerializedScorer(safety), retrieval_k: 5 } });
    expect(memory.memory_augmented_judge_data.retrieval_k).toBe(5);
    expect(memory.memory_augmented_judge_data.base_judge).not.toHaveProperty('timeout');
  });
});
