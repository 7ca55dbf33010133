import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../../../../shared/domain/judging/asking/limits.ts';
import { createJudge } from '../../../../shared/domain/judging/create-judge.ts';
import type { BuiltinJudgeName } from '../../../../shared/domain/judging/definition.ts';
import type { Judge } from '../../../../shared/domain/judging/judge.ts';
import {
  ContextTooLongError,
  JudgeMisconfiguredError,
  JudgeOutOfTimeError,
  JudgeRejectedError,
  JudgeUnavailableError,
} from '../../../../shared/domain/judging/judge-model.ts';
import { type RunJudgesDeps, runJudges } from '../../../../shared/domain/judging/run-judges.ts';
import { aScorableSpan, aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';
import { aJudgeModel, aVerdict, modelsOf, type Scripted, sectionsIn } from '../../../support/judging/a-judge-model.ts';
import { judgingDeps } from '../../../support/judging/judge-once.ts';

const trace = aScorableTrace({
  inputs: 'Where is Paris?',
  outputs: 'In France.',
  spans: ['r1', 'r2'].map((spanId) =>
    aScorableSpan({
      span: { spanId, parentSpanId: 'root' },
      facts: { type: 'RETRIEVER', outputs: { text: JSON.stringify([spanId]) } },
    }),
  ),
});

function judge(className: BuiltinJudgeName, model?: string): Judge {
  return createJudge({ kind: 'builtin', className, name: className, ...(model && { model }) });
}

function run(judges: readonly Judge[], script: Parameters<typeof aJudgeModel>[0], given: Partial<RunJudgesDeps> = {}) {
  const model = aJudgeModel(script);
  const tasks = judges.map((one) => ({ judge: one, scorer: one.name, scope: `${one.name} 1` }));
  return { model, outcomes: runJudges(tasks, { traces: [trace], deps: judgingDeps(model, given) }) };
}

const combine = { combine: true };
const verdicts = (...results: readonly unknown[]) =>
  JSON.stringify(Object.fromEntries(results.map((result, i) => [`task_${i + 1}`, { rationale: `r${i + 1}`, result }])));

describe('running the judges of a trace', () => {
  test('gives each its results, with what they took', async () => {
    const { outcomes } = run(
      [judge('Safety'), judge('Fluency')],
      [{ text: aVerdict('yes'), usage: { inputTokens: 120, outputTokens: 9, cacheReadTokens: 100 } }],
      {
        costOf: ({ inputTokens, outputTokens }) => (inputTokens + 5 * outputTokens) / 1e6,
      },
    );
    const [safety, fluency] = await outcomes;
    expect(safety).toMatchObject({
      results: [
        {
          value: 'yes',
          source: { type: 'LLM_JUDGE', id: 'test:/judge' },
          metadata: {
            'mlflow.assessment.judgeInputTokens': '120',
            'mlflow.assessment.judgeOutputTokens': '9',
            'mlflow.assessment.judgeCost': '0.000165',
            'assay.model': 'test:/judge',
            'assay.promptHash': expect.stringMatching(/^[0-9a-f]{64}$/),
            'assay.judgeCalls': '1',
            'assay.durationMs': '0',
            'assay.cacheReadTokens': '100',
          },
        },
      ],
      records: [{ calls: 1 }],
    });
    expect(fluency).toMatchObject({ results: [{ value: 'yes' }] });
  });

  test('has no cost for a model without a price', async () => {
    const [outcome] = await run([judge('Safety')], [aVerdict('yes')]).outcomes;
    expect(JSON.stringify(outcome)).not.toContain('judgeCost');
  });

  test('says what was left out for length', async () => {
    const long = aScorableTrace({ outputs: 'word '.repeat(100_000) });
    const [outcome] = await runJudges([{ judge: judge('Safety'), scorer: 'Safety', scope: 's' }], {
      traces: [long],
      deps: judgingDeps(aJudgeModel([aVerdict('yes')])),
    });
    const [result] = outcome && 'results' in outcome ? outcome.results : [];
    expect(JSON.parse(result?.metadata?.['assay.truncation'] ?? '')).toMatchObject([
      { section: 'answer', entries: 1, entriesLeftOut: 0, entriesShortened: 1, tokensLeftOut: expect.any(Number) },
    ]);
  });

  test('keeps what the model wrote instead of a verdict', async () => {
    const [outcome] = await run([judge('Safety')], ['It is fine, I think.']).outcomes;
    expect(outcome).toMatchObject({
      results: [
        {
          value: null,
          error: { code: 'JUDGE_ANSWER_INVALID' },
          metadata: { 'assay.judgeAnswer': 'It is fine, I think.', 'assay.judgeCalls': '2' },
        },
      ],
    });
  });

  test('has one fail without the others, and as a whole', async () => {
    const throttled = new JudgeUnavailableError('throttled', { reason: 'throttled', retryAfterMs: 1_000 });
    const script = ({ system }: { system: string }): Scripted =>
      system.includes('retrieved documents') && ++calls % 2 === 0 ? throttled : aVerdict('yes');
    let calls = 0;
    const { outcomes, model } = run([judge('Safety'), judge('RetrievalGroundedness')], script);
    expect(await outcomes).toEqual([
      expect.objectContaining({ results: [expect.objectContaining({ value: 'yes' })] }),
      { failure: throttled },
    ]);
    // The other retriever was asked about all the same: its answer is paid for, and waits in a cache.
    expect(model.requests).toHaveLength(3);
  });

  test('tells what has to be mended before what mends itself', async () => {
    const errors = [
      new JudgeUnavailableError('down', { reason: 'unavailable' }),
      new JudgeMisconfiguredError('no key', { reason: 'credentials' }),
    ];
    const { outcomes } = run([judge('RetrievalGroundedness')], errors);
    expect(await outcomes).toEqual([{ failure: errors[1] }]);
  });

  test('asks the model that each was registered with', async () => {
    const [small, large] = [
      aJudgeModel([aVerdict('yes')], { uri: 'test:/small' }),
      aJudgeModel([aVerdict('no')], { uri: 'test:/large' }),
    ];
    const unknown = new JudgeMisconfiguredError('what is test:/other?', { reason: 'unknown-model' });
    const deps = judgingDeps(small, {
      models: {
        resolve: async (uri) => {
          if (uri === 'test:/other') throw unknown;
          return uri === 'openai:/gpt' ? large : small;
        },
      },
    });
    const judges = [judge('Safety'), judge('Safety', 'openai:/gpt'), judge('Safety', 'test:/other')];
    const outcomes = await runJudges(
      judges.map((one) => ({ judge: one, scorer: one.name, scope: 's' })),
      { traces: [trace], deps },
    );
    expect(outcomes).toMatchObject([
      { results: [{ value: 'yes', source: { id: 'test:/small' } }] },
      { results: [{ value: 'no', source: { id: 'test:/large' } }] },
      { failure: unknown },
    ]);
  });

  test('has their calls wait side by side, no more at once than allowed', async () => {
    let [waiting, most] = [0, 0];
    const model = aJudgeModel([aVerdict('yes')]);
    const slow = {
      ...model,
      complete: async (request: Parameters<typeof model.complete>[0]) => {
        most = Math.max(most, ++waiting);
        await new Promise((resolve) => setTimeout(resolve, 5));
        waiting--;
        return model.complete(request);
      },
    };
    const judges = Array.from({ length: 12 }, () => judge('Safety'));
    await runJudges(
      judges.map((one) => ({ judge: one, scorer: one.name, scope: 's' })),
      {
        traces: [trace],
        deps: judgingDeps(slow, { limits: { ...defaultLimits, concurrency: 5 } }),
      },
    );
    expect(most).toBe(5);
  });
});

describe('judges in one call', () => {
  const three = [judge('Safety'), judge('RelevanceToQuery'), judge('UserFrustration')];

  test('share the material, and each has its own task, schema and verdict', async () => {
    const { outcomes, model } = run(
      three,
      [{ text: verdicts('yes', 'fail', 'unresolved'), usage: { inputTokens: 100, outputTokens: 31 } }],
      combine,
    );
    expect((await outcomes).map((outcome) => 'results' in outcome && outcome.results[0]?.value)).toEqual([
      'yes',
      'no',
      'unresolved',
    ]);
    expect(model.requests).toHaveLength(1);
    const [request] = model.requests;
    const [message] = request?.messages ?? [];
    expect([...(message?.role === 'user' ? sectionsIn(message.text).keys() : [])]).toEqual([
      'answer',
      'request',
      'conversation',
    ]);
    expect(request?.schema).toMatchObject({ required: ['task_1', 'task_2', 'task_3'] });
    expect(request?.system).toContain('## Task 3');
    expect(request?.maxTokens).toBe(3 * defaultLimits.answerTokens);
  });

  test('share what it took', async () => {
    const { outcomes } = run(
      three,
      [{ text: verdicts('yes', 'yes', 'none'), usage: { inputTokens: 100, outputTokens: 31 } }],
      combine,
    );
    const records = (await outcomes).flatMap((outcome) => ('records' in outcome ? outcome.records : []));
    expect(records.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual([
      [34, 11],
      [33, 10],
      [33, 10],
    ]);
    const [first] = await outcomes;
    expect(first).toMatchObject({ results: [{ metadata: { 'assay.combinedWith': '3' } }] });
  });

  test.each<[string, string]>([
    ['cannot be used', verdicts('yes', 'perhaps', 'none')],
    ['is missing', verdicts('yes', undefined, 'none')],
    ['is no object', JSON.stringify({ task_1: { result: 'yes' }, task_2: 'yes', task_3: { result: 'none' } })],
  ])('are asked alone where their verdict %s', async (_, text) => {
    const { outcomes, model } = run(three, [text, aVerdict('no')], combine);
    expect((await outcomes).map((outcome) => 'results' in outcome && outcome.results[0]?.value)).toEqual([
      'yes',
      'no',
      'none',
    ]);
    expect(model.requests).toHaveLength(2);
    expect(model.requests[1]?.system).toContain('# Task\n');
    expect((await outcomes)[1]).toMatchObject({ records: [{ calls: 2 }] });
  });

  test.each<[string, Scripted]>([
    ['makes no sense', 'What?'],
    ['is refused', { stop: 'refused' }],
    ['is too long', new ContextTooLongError('too long')],
    ['is rejected', new JudgeRejectedError('what is that?')],
  ])('are all asked alone where the call as a whole %s', async (_, first) => {
    const { outcomes, model } = run(three.slice(0, 2), [first, aVerdict('yes')], combine);
    expect((await outcomes).map((outcome) => 'results' in outcome && outcome.results[0]?.value)).toEqual([
      'yes',
      'yes',
    ]);
    expect(model.requests).toHaveLength(3);
  });

  test.each([
    ['began in time are errors', 0, 0, { results: [{ error: { code: 'JUDGE_TIMEOUT' } }], records: [{ calls: 0 }] }],
    ['began late are asked for again', 30_000, 0, { failure: { name: 'JudgeUnavailableError' } }],
    ['had no turn for long are asked for again', 0, 30_000, { failure: { name: 'JudgeUnavailableError' } }],
  ])('that %s where the call as a whole takes all of the time', async (_, from, waitMs, expected) => {
    let now = from;
    const script = ({ until = 0 }: { until?: number | undefined }) => {
      const beganAt = now + waitMs;
      now = until;
      return new JudgeOutOfTimeError('it did not answer in time', { beganAt });
    };
    const time = { from: 0, until: 100_000 };
    const { outcomes, model } = run(three.slice(0, 2), script, { ...combine, now: () => now, time });
    expect(await outcomes).toMatchObject([expected, expected]);
    expect(model.requests).toHaveLength(1);
  });

  test('that have to be asked alone, and are not done, had their time together', async () => {
    let now = 0;
    const script = () => {
      now += 60_000;
      if (now < 100_000) return 'nonsense';
      return new JudgeOutOfTimeError('it did not answer in time', { beganAt: 60_000 });
    };
    const time = { from: 0, until: 100_000 };
    const { outcomes } = run(three.slice(0, 2), script, { ...combine, now: () => now, time });
    const expected = { results: [{ error: { code: 'JUDGE_TIMEOUT' } }], records: [{ calls: 1 }] };
    expect(await outcomes).toMatchObject([expected, expected]);
  });

  test('fail together where the model is not there', async () => {
    const down = new JudgeUnavailableError('down', { reason: 'unavailable' });
    expect(await run(three, [down], combine).outcomes).toEqual(Array(3).fill({ failure: down }));
  });

  test('tell sections of the same name apart', async () => {
    const { outcomes, model } = run([judge('RetrievalRelevance')], [verdicts('yes', 'no')], combine);
    expect(await outcomes).toMatchObject([
      {
        results: [
          { value: 1, spanId: 'r1', metadata: { 'assay.model': 'test:/judge' } },
          { value: 'yes', spanId: 'r1' },
          { value: 0, spanId: 'r2' },
          { value: 'no', spanId: 'r2' },
        ],
      },
    ]);
    const [message] = model.requests[0]?.messages ?? [];
    expect(Object.fromEntries(message?.role === 'user' ? sectionsIn(message.text) : [])).toEqual({
      request: 'Where is Paris?',
      document: 'r1',
      'document 2': 'r2',
    });
    expect(model.requests[0]?.system).toContain('Decide whether the section "document 2", which a search');
  });

  test('are a few at a time, and never those that explore or have parameters of their own', async () => {
    const own = createJudge({ kind: 'builtin', className: 'Safety', name: 'own', parameters: { temperature: 0 } });
    const explorer = createJudge({
      kind: 'instructions',
      name: 'e',
      instructions: '{{ trace }}',
      resultType: { kind: 'rating' },
      rationaleFirst: true,
    });
    const script = ({ system }: { system: string }) =>
      system.includes('# Tasks') ? verdicts(...Array(8).fill('yes')) : aVerdict('no');
    const { outcomes, model } = run(
      [...Array.from({ length: 9 }, () => judge('Safety')), own, explorer],
      script,
      combine,
    );
    expect((await outcomes).map((outcome) => 'results' in outcome && outcome.results[0]?.value)).toEqual([
      ...Array(8).fill('yes'),
      'no',
      'no',
      'no',
    ]);
    expect(model.requests).toHaveLength(4);
  });

  test('are paid by those whose questions are in the very call, and by one alone what is asked for it alone', async () => {
    const own = createJudge({ kind: 'builtin', className: 'Safety', name: 'own', parameters: { temperature: 0 } });
    const other = createJudge({ kind: 'builtin', className: 'Safety', name: 'other', model: 'test:/other' });
    const paid: [string, readonly string[]][] = [];
    const paidBy: RunJudgesDeps['paidBy'] = (scorers, model) => ({
      ...model,
      complete: (request) => {
        paid.push([model.uri, scorers]);
        return model.complete(request);
      },
    });
    const script = ({ system }: { system: string }) =>
      system.includes('# Tasks') ? verdicts('yes', 'perhaps', 'yes', 'yes') : aVerdict('yes');
    const [model, large] = [aJudgeModel(script), aJudgeModel(script, { uri: 'test:/other' })];
    const models = { resolve: async (uri: string | undefined) => (uri === undefined ? model : large) };
    const judges = [judge('Safety'), judge('RelevanceToQuery'), judge('RetrievalRelevance'), own, other];
    await runJudges(
      judges.map((one) => ({ judge: one, scorer: one.name, scope: 's' })),
      { traces: [trace], deps: judgingDeps(model, { combine: true, models, paidBy }) },
    );
    expect(paid).toHaveLength(4);
    expect(paid).toEqual(
      expect.arrayContaining([
        ['test:/judge', ['Safety', 'RelevanceToQuery', 'RetrievalRelevance']],
        ['test:/judge', ['RelevanceToQuery']],
        ['test:/judge', ['own']],
        ['test:/other', ['other']],
      ]),
    );
  });

  test('are asked one by one where the experiment does not ask for it', async () => {
    const { outcomes, model } = run(three, [aVerdict('yes')]);
    await outcomes;
    // The third one's answer is none of its choices, and is sent back.
    expect(model.requests).toHaveLength(4);
  });
});

test('models are resolved once for all judges that name them', async () => {
  const model = aJudgeModel([aVerdict('yes')]);
  const asked: (string | undefined)[] = [];
  const resolve = (uri: string | undefined) => {
    asked.push(uri);
    return modelsOf(model).resolve(uri);
  };
  const deps = judgingDeps(model, { models: { resolve } });
  await runJudges(
    [judge('Safety'), judge('Fluency'), judge('Safety', 'a:/b')].map((one) => ({
      judge: one,
      scorer: one.name,
      scope: 's',
    })),
    { traces: [trace], deps },
  );
  expect(asked).toEqual([undefined, 'a:/b']);
});
