import { describe, expect, test } from 'vitest';
import {
  createScorer,
  InvalidSerializedScorerError,
  parseSerializedScorer,
  readTraits,
} from '../../../shared/contracts/serialized-scorer.ts';
import { aScorableTrace } from '../../support/builders/a-scorable-trace.ts';
import { aSerializedScorer } from '../../support/builders/a-serialized-scorer.ts';

function serialized(given: object): string {
  return JSON.stringify(aSerializedScorer({ name: 'my_scorer', ...given }));
}

const safety = { builtin_scorer_class: 'Safety', builtin_scorer_pydantic_data: { name: 'safety', model: null } };

describe('a serialized scorer', () => {
  const common = { name: 'my_scorer', isSessionLevel: false };

  test.each([
    [
      'heuristic',
      { assay_heuristic: { type: 'latency', max_ms: 5 } },
      { kind: 'heuristic', definition: { type: 'latency', maxMs: 5 } },
    ],
    [
      'RegexMatch',
      {
        builtin_scorer_class: 'RegexMatch',
        builtin_scorer_pydantic_data: { pattern: '^A', match_type: 'fullmatch', case_insensitive: true },
      },
      {
        kind: 'heuristic',
        definition: { type: 'regex', pattern: '^A', match: 'fullmatch', ignoreCase: true, expect: 'match' },
      },
    ],
    [
      'PIIDetection of all its types',
      { builtin_scorer_class: 'PIIDetection', builtin_scorer_pydantic_data: { pii_types: null } },
      {
        kind: 'heuristic',
        definition: { type: 'pii', kinds: ['email', 'phone', 'credit_card', 'ssn', 'ip_address'], where: 'outputs' },
      },
    ],
    [
      'ResponseLength',
      {
        builtin_scorer_class: 'ResponseLength',
        builtin_scorer_pydantic_data: { min_length: null, max_length: 9, unit: 'words' },
      },
      { kind: 'heuristic', definition: { type: 'response_length', max: 9, unit: 'words' } },
    ],
    ['built-in judge', safety, { kind: 'builtin', className: 'Safety', parameters: { name: 'safety', model: null } }],
    [
      'guidelines',
      {
        builtin_scorer_class: 'Guidelines',
        builtin_scorer_pydantic_data: { guidelines: 'be kind', model: 'bedrock:/m' },
      },
      { kind: 'guidelines', className: 'Guidelines', model: 'bedrock:/m', guidelines: ['be kind'] },
    ],
    [
      'judge with instructions',
      {
        instructions_judge_pydantic_data: {
          instructions: 'Rate {{ outputs }}',
          model: 'openai:/m',
          feedback_value_type: { type: 'boolean' },
        },
      },
      {
        kind: 'instructions',
        instructions: 'Rate {{ outputs }}',
        model: 'openai:/m',
        parameters: { feedback_value_type: { type: 'boolean' } },
      },
    ],
    [
      'decorated function',
      { call_source: 'return 1', call_signature: '(outputs)', original_func_name: 'one' },
      { kind: 'code', source: 'return 1', signature: '(outputs)', functionName: 'one' },
    ],
    [
      'third-party scorer',
      {
        third_party_scorer_data: {
          module: 'mlflow.genai.scorers.ragas',
          class: 'Faithfulness',
          metric_name: 'f',
          model: null,
          kwargs: {},
        },
      },
      { kind: 'third-party', module: 'mlflow.genai.scorers.ragas', className: 'Faithfulness' },
    ],
    ['aligned judge', { memory_augmented_judge_data: { base_judge: {} } }, { kind: 'memory-augmented' }],
    [
      'ensemble',
      { ensemble_scorer_data: { ensemble_fn: 'agg_all', scorers: [JSON.parse(serialized(safety))] } },
      {
        kind: 'ensemble',
        ensembleFunction: 'agg_all',
        scorers: [{ ...common, kind: 'builtin', className: 'Safety', parameters: { name: 'safety', model: null } }],
      },
    ],
  ])('of a %s is told by its kind', (_what, given, body) => {
    expect(parseSerializedScorer(serialized(given))).toEqual({ ...common, ...body });
  });

  test('keeps description and level', () => {
    const scorer = parseSerializedScorer(
      serialized({ ...safety, description: 'Is it safe?', is_session_level_scorer: true }),
    );
    expect(scorer).toMatchObject({ description: 'Is it safe?', isSessionLevel: true });
  });

  test.each([
    ['{', 'serialized scorer is not JSON'],
    ['[]', 'serialized scorer must be a JSON object'],
    [
      serialized({}),
      'serialized scorer must have one of assay_heuristic, assay_code, assay_custom_prompt, builtin_scorer_class',
    ],
    [
      serialized({ ...safety, call_source: 'x' }),
      'serialized scorer must have only one of builtin_scorer_class, call_source',
    ],
    [serialized({ ...safety, name: '' }), 'name: '],
    [serialized({ assay_heuristic: { type: 'latency', max_ms: -1 } }), 'max_ms: must be greater than 0'],
    [serialized({ assay_heuristic: 'latency' }), 'a heuristic is an object with a type'],
    [
      serialized({ builtin_scorer_class: 'ResponseLength', builtin_scorer_pydantic_data: { unit: 'chars' } }),
      'ResponseLength: needs min_length or max_length',
    ],
    [serialized({ builtin_scorer_class: 'RegexMatch', builtin_scorer_pydantic_data: null }), 'RegexMatch.pattern: '],
  ])('%s is refused', (text, message) => {
    expect(() => parseSerializedScorer(text)).toThrow(InvalidSerializedScorerError);
    expect(() => parseSerializedScorer(text)).toThrow(message);
  });
});

describe('the scorer of a version', () => {
  test('of a heuristic runs', async () => {
    const scorer = createScorer({ serialized: serialized({ assay_heuristic: { type: 'latency', max_ms: 5 } }) });
    if (!('score' in scorer)) throw new Error('expected a scorer that runs');
    expect(scorer.sourceType).toBe('CODE');
    expect(await scorer.score(aScorableTrace({ facts: { durationMs: 6 } }))).toEqual([
      { value: 'no', rationale: 'The trace took 6 ms, over the limit of 5 ms.' },
    ]);
  });

  test('is built once for the same text', () => {
    const text = serialized({ assay_heuristic: { type: 'refusal' } });
    expect(createScorer({ serialized: text })).toBe(createScorer({ serialized: text }));
  });

  test.each([
    [{ builtin_scorer_class: 'Mood' }, "MLflow's built-in scorer Mood is not known here"],
    [{ instructions_judge_pydantic_data: { instructions: 'x' } }, 'its instructions have none of the variables'],
    [{ call_source: '', original_func_name: 'one' }, 'its Python code is empty'],
    [
      { call_source: 'return 1', original_func_name: 'one', is_session_level_scorer: true },
      'Python code judges traces, not sessions',
    ],
    [{ third_party_scorer_data: { module: 'm', class: 'C' } }, 'm (C) is a Python library, which Assay does not run'],
    [{ memory_augmented_judge_data: {} }, 'judges that were aligned with memory'],
    [{ assay_heuristic: { type: 'refusal' }, is_session_level_scorer: true }, 'heuristics judge traces, not sessions'],
    [
      { assay_heuristic: { type: 'regex', pattern: '(?=x)' } },
      'error parsing regexp: invalid or unsupported Perl syntax: `(?=` (RE2 syntax)',
    ],
    [
      { assay_heuristic: { type: 'json_validity', schema: { type: 'x' } } },
      'schema is invalid: data/type must be equal to one of the allowed values',
    ],
    [{ assay_heuristic: { type: 'vibes' } }, 'type must be one of response_length'],
  ])('%j says why it does not run', (given, reason) => {
    const scorer = createScorer({ serialized: serialized(given) });
    expect('unsupported' in scorer && scorer.unsupported).toContain(reason);
  });
});

describe('the level of a version', () => {
  const builtin = (name: string) => ({ builtin_scorer_class: name, builtin_scorer_pydantic_data: {} });
  const instructions = (text: string) => ({ instructions_judge_pydantic_data: { instructions: text } });

  test.each([
    [builtin('UserFrustration'), 'session'],
    [instructions('Was the user content? {{ conversation }}'), 'session'],
    [instructions('Is it polite? {{ outputs }}'), 'trace'],
    [{ ...builtin('Safety'), is_session_level_scorer: true }, 'trace'],
  ])('%j is what it judges, whatever is said of it: %s', (given, level) => {
    expect(readTraits({ serialized: serialized(given) }).level).toBe(level);
  });
});
