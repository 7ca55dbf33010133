import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answerOf, type DemoScorer, demoScorers, rootOf } from '../../../demo/scorers.ts';
import { type ScriptedJudge, startScriptedJudge } from '../../../demo/scripted-judge/scripted-judge.ts';
import { quickjsCodeRunner } from '../../../shared/adapters/quickjs-code-runner.ts';
import { createScorer } from '../../../shared/contracts/serialized-scorer.ts';
import type { RunCode } from '../../../shared/domain/code/run-code.ts';
import { JudgeUnavailableError } from '../../../shared/domain/judging/judge-model.ts';
import type { ScorableTrace } from '../../../shared/domain/scorable-trace.ts';
import { aScorableTrace } from '../../support/builders/a-scorable-trace.ts';
import { aJudgeRequest, judgeModelsOn } from '../../support/judging/judge-models-on.ts';
import { judgeOnce } from '../../support/judging/judge-once.ts';
import { anApplicationRun } from './an-application-run.ts';

interface Answered {
  readonly trace: ScorableTrace;
  readonly answer: string;
}

const judges = demoScorers.filter(({ task }) => task !== undefined);
let answered: readonly Answered[];
let script: ScriptedJudge;

beforeAll(async () => {
  const { sent } = await anApplicationRun();
  const turns = [...sent.byTrace.values()].flatMap((sentSpans) => {
    const spans = sentSpans.map(({ span }) => span);
    const answer = answerOf(spans);
    if (answer === undefined) return [];
    const inputs = JSON.parse(String(rootOf(spans)?.attributes['gen_ai.input.messages']));
    return [{ trace: aScorableTrace({ inputs, outputs: JSON.parse(answer) }), answer }];
  });
  // "Thank you!" is said in many conversations, and is one question to a judge.
  answered = [
    ...Map.groupBy(turns, ({ trace: { inputs, outputs } }) => JSON.stringify([inputs, outputs])).values(),
  ].flatMap(([first]) => first ?? []);
});
beforeEach(async () => {
  await script?.close();
  script = await startScriptedJudge('1');
});
afterAll(() => script.close());

/** As Assay asks: its own prompt, its own client, once. */
async function ask({ name, definition }: DemoScorer, trace: ScorableTrace): Promise<unknown> {
  const runnable = createScorer({ serialized: JSON.stringify({ name, ...definition }) });
  if (!('judge' in runnable)) throw new Error(`${name} is no judge`);
  const resolve = judgeModelsOn(script, { config: script.config })().resolve;
  const [result] = await judgeOnce(runnable.judge, {
    traces: [trace],
    model: await resolve(undefined),
    deps: { models: { resolve } },
  });
  return result?.error ?? result?.value;
}

/** As often as it takes. */
async function askUntilAnswered(judge: DemoScorer, trace: ScorableTrace): Promise<unknown> {
  try {
    return await ask(judge, trace);
  } catch (error) {
    if (error instanceof JudgeUnavailableError) return ask(judge, trace);
    throw error;
  }
}

describe('the scripted judge', () => {
  test.each(judges)('finds of $name what is foretold, from the prompt that Assay sends', async (judge) => {
    const found = await Promise.all(answered.map(({ trace }) => askUntilAnswered(judge, trace)));
    expect(found).toEqual(answered.map(({ answer }) => judge.verdict?.(answer)));
    expect(new Set(found).size).toBeGreaterThan(1);
    expect(script.refused).toEqual([]);
  });

  test('fails a few questions, the same ones in whatever order, and answers them when they are asked again', async () => {
    const failedIn = async (order: readonly Answered[]) => {
      const asked = order.flatMap((each) => judges.map((judge) => ({ judge, ...each })));
      const failed = await Promise.all(
        asked.map(async ({ judge, trace, answer }) => {
          const failure = await ask(judge, trace).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (failure !== undefined) expect(failure).toBeInstanceOf(JudgeUnavailableError);
          return failure === undefined ? [] : [`${judge.name}: ${JSON.stringify(trace.inputs)} ${answer}`];
        }),
      );
      return failed.flat().toSorted();
    };
    const first = await failedIn(answered);
    expect(first.length).toBeGreaterThan(0);
    expect(await failedIn(answered)).toEqual([]);
    await script.close();
    script = await startScriptedJudge('1');
    expect(await failedIn(answered.toReversed())).toEqual(first);
  });

  test('counts each call as its provider would bill it', async () => {
    const [judge] = judges;
    const [first] = answered;
    if (judge === undefined || first === undefined) throw new Error('nothing to ask');
    await askUntilAnswered(judge, first.trace);
    expect(script.calls.at(-1)).toEqual({
      task: judge.task,
      status: 200,
      inputTokens: expect.any(Number),
      outputTokens: expect.any(Number),
    });
    expect(script.calls.at(-1)?.inputTokens).toBeGreaterThan(100);
  });

  test('has no opinion on what the demo does not ask', async () => {
    const model = await judgeModelsOn(script, { config: script.config })().resolve(undefined);
    await expect(model.complete(aJudgeRequest())).rejects.toThrow('no opinion');
    expect(script.calls).toEqual([]);
  });
});

test('the code scorer finds in the sandbox what is foretold', async () => {
  const [code] = demoScorers.filter(({ name }) => name === 'price_format');
  if (code === undefined) throw new Error('the demo has no code scorer');
  const sandbox = quickjsCodeRunner(new URL('../../../shared/adapters/quickjs/quickjs-worker.ts', import.meta.url));
  const serialized = JSON.stringify({ name: code.name, ...code.definition });
  const scorer = createScorer({ serialized }, sandbox.run as RunCode);
  if (!('score' in scorer)) throw new Error('the code scorer is none');
  try {
    const found: unknown[] = [];
    for (const { trace } of answered) found.push((await scorer.score(trace))[0]?.value);
    expect(found).toEqual(answered.map(({ answer }) => code.verdict?.(answer)));
    expect(new Set(found)).toEqual(new Set([true, false]));
  } finally {
    await sandbox.close();
  }
});
