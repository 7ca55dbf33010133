import { describe, expect, it } from 'vitest';
import { cancelBackfill, resumeBackfill } from '../../../../shared/domain/backfilling/change-backfill.ts';
import { totalCounts } from '../../../../shared/domain/backfilling/progress.ts';
import { BudgetExhaustedError } from '../../../../shared/domain/judging/budget.ts';
import { JudgeMisconfiguredError } from '../../../../shared/domain/judging/judge-model.ts';
import type { Fate } from '../../../support/dying-process.ts';
import { BackfillExecution } from '../../../support/in-memory/backfill-execution.ts';
import { spansMessage } from '../../../support/in-memory/bodies.ts';
import type { InMemoryStack } from '../../../support/in-memory/in-memory-stack.ts';
import { aTrace, idOf } from '../../indexing/support.ts';
import { aStackToAssess, ask, assessmentsOf, ids, judge, judgeLive, outcomeOf } from './support.ts';

const safety = { scorers: [{ name: 'safety' }] };
const both = { scorers: [{ name: 'safety' }, { name: 'errors' }] };

/** What the state machine does with a run. */
async function goesOn(stack: InMemoryStack, runId: string, options = {}) {
  const run = await stack.backfills.store.get({ experimentId: '0', backfillId: runId });
  if (!run) return expect.fail(`no run ${runId}`);
  return new BackfillExecution(stack, { beforeRound: () => stack.drain(), ...options }).run(run);
}

const nobodyJudges = { direct: { judge: async () => {} } };

describe('assessing a few traces', () => {
  it('judges them at once, tells what was found, and keeps it without a weight', async () => {
    const { stack, model } = await aStackToAssess(3);
    const { run, progress, results } = await ask(stack, { ...both, traceIds: [idOf(2), idOf(0), idOf(2)] });
    expect(run).toMatchObject({ state: 'finished', onDemand: 'named', mode: 'all' });
    expect(run.backfillId).toMatch(/^run-[0-9a-f]{32}$/);
    expect(totalCounts(progress.scorers)).toMatchObject({ found: 4, judged: 4, pending: 0 });
    expect(progress.tokens).toBe(220);
    expect(results?.map(({ traceId, scorer, state }) => [traceId, scorer.name, state])).toEqual([
      [idOf(2), 'safety', 'judged'],
      [idOf(2), 'errors', 'judged'],
      [idOf(0), 'safety', 'judged'],
      [idOf(0), 'errors', 'judged'],
    ]);
    expect(results?.[0]).toMatchObject({ tokens: 110, assessments: [{ name: 'safety', value: 'yes' }] });
    expect(results?.[0]?.assessments).toEqual(assessmentsOf(stack, 2).filter(({ name }) => name === 'safety'));
    for (const { scorer, metadata } of assessmentsOf(stack, 0)) {
      expect(scorer).not.toHaveProperty('sampleRate');
      expect(metadata).not.toHaveProperty('assay.sampleRate');
      expect(metadata['assay.backfillId']).toBe(run.backfillId);
    }
    expect(model.asked).toHaveLength(2);
    expect(stack.backfills.covered.size).toBe(0);
    expect(stack.startedExecutions).toEqual([]);
    expect(stack.archived.assessments).toHaveLength(4);
  });

  it('judges again what was judged, once for each run', async () => {
    const { stack, model } = await aStackToAssess(2);
    await ask(stack, { ...safety, traceIds: ids(2) });
    stack.nowMs += 1_000;
    const first = await ask(stack, { ...safety, traceIds: ids(2) }, { key: 'k' });
    expect(model.asked).toHaveLength(4);
    stack.nowMs += 1_000;
    const repeated = await ask(stack, { ...safety, traceIds: ids(2) }, { key: 'k' });
    expect(model.asked).toHaveLength(4);
    expect(repeated.run).toEqual(first.run);
    expect(repeated.results).toEqual(first.results);
    expect(assessmentsOf(stack, 0)).toHaveLength(1);
  });

  it('says of each that cannot be judged why not, and tells nothing of other experiments', async () => {
    const { stack } = await aStackToAssess(4);
    await stack.delete(idOf(1));
    const open = stack.index.entries.get(idOf(2));
    if (open) open.info = { ...open.info, completeness: 'open' };
    const foreign = stack.index.entries.get(idOf(3));
    if (foreign) foreign.info = { ...foreign.info, experimentId: '9' };
    const { run, progress, results } = await ask(stack, { ...safety, traceIds: ids(4) });
    expect(results?.map(({ state }) => state)).toEqual(['judged', 'deleted', 'incomplete', 'deleted']);
    expect(results?.[2]?.reason).toMatch(/still to come/);
    expect(totalCounts(progress.scorers)).toMatchObject({ found: 4, judged: 1, deleted: 2, incomplete: 1 });
    expect(run.state).toBe('finished');
    expect(foreign?.assessments.size).toBe(0);
  });

  it('holds what a budget cannot pay, which ends the run', async () => {
    const { stack, model } = await aStackToAssess(2);
    model.failure = new BudgetExhaustedError({
      scope: { experimentId: '0' },
      period: 'day',
      unit: 'tokens',
      reason: 'spent',
      until: stack.nowMs + 9e6,
    });
    const { run, results } = await ask(stack, { ...both, traceIds: [idOf(0)] });
    expect(run.state).toBe('finished');
    expect(results).toMatchObject([
      { scorer: { name: 'safety' }, state: 'held', reason: expect.stringContaining('spent'), assessments: [] },
      { scorer: { name: 'errors' }, state: 'judged' },
    ]);
  });
});

it('a registered scorer whose model may not be asked is held, and says what to mend', async () => {
  const { stack, model } = await aStackToAssess(1);
  model.failure = new JudgeMisconfiguredError('no such key', { reason: 'credentials' });
  const { run, results } = await ask(stack, { ...safety, traceIds: ids(1) });
  expect([run.state, results]).toMatchObject(['finished', [{ state: 'held', reason: 'no such key' }]]);
  expect(stack.rules.scorers[0]?.paused).toMatchObject({ by: 'judge', reason: 'no such key' });
});

describe('what is not done at once', () => {
  it('goes on by the state machine and ends with the same', async () => {
    const direct = await aStackToAssess(3);
    const expected = await ask(direct.stack, { ...both, traceIds: ids(3) });
    const { stack, model } = await aStackToAssess(3);
    const { run, results } = await ask(stack, { ...both, traceIds: ids(3) }, { given: nobodyJudges });
    expect([run.state, results]).toEqual(['running', undefined]);
    expect(stack.startedExecutions).toEqual([run.backfillId]);
    const finished = await goesOn(stack, run.backfillId, { twice: true });
    expect(finished.state).toBe('finished');
    expect(finished.counts).toEqual(expected.run.counts);
    expect(model.asked).toHaveLength(3);
    expect(stack.backfills.covered.size).toBe(0);
    expect(assessmentsOf(stack, 1).map(({ value }) => value)).toEqual(
      assessmentsOf(direct.stack, 1).map(({ value }) => value),
    );
  });

  it('begins nothing after its time, and leaves what is missing to the lane', async () => {
    const { stack, model } = await aStackToAssess(60);
    model.takesMs = 500;
    // One after the other: the time is over long before the last has its turn.
    const inTurns = { direct: withinTime(stack, 20) };
    const { run } = await ask(stack, { ...safety, traceIds: ids(50) }, { given: inTurns });
    expect(run.state).toBe('running');
    expect(model.asked.length).toBe(20);
    model.takesMs = 0;
    const finished = await goesOn(stack, run.backfillId);
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ found: 50, judged: 50 });
    expect(model.asked).toHaveLength(50);
  });

  it('waits for a judge that is away for a moment', async () => {
    const { stack, model } = await aStackToAssess(1);
    model.isDown = true;
    const { run, results } = await ask(stack, { ...safety, traceIds: ids(1) });
    expect([run.state, results]).toEqual(['running', undefined]);
    model.isDown = false;
    const finished = await goesOn(stack, run.backfillId);
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ judged: 1, held: 0 });
  });

  it('is what more traces than fifty always are', async () => {
    const { stack, model } = await aStackToAssess(51);
    const { run } = await ask(stack, { ...both, traceIds: ids(51) });
    expect([run.state, model.asked.length]).toEqual(['running', 0]);
    const finished = await goesOn(stack, run.backfillId);
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ found: 102, judged: 102 });
    expect(assessmentsOf(stack, 50)).toHaveLength(2);
  });

  it('is a backfill of their range where a search finds more, of all that match, whoever made them', async () => {
    const { stack, model } = await aStackToAssess(60);
    await judgeLive(stack, 3);
    const made = stack.index.entries.get(idOf(4));
    if (made) made.info = { ...made.info, facts: { ...made.info.facts, metadata: { 'mlflow.sourceRun': 'r' } } };
    const other = stack.index.entries.get(idOf(5));
    if (other) other.info = { ...other.info, facts: { ...other.info.facts, name: 'another' } };
    stack.nowMs += 1_000;
    const find = async () => ids(60).map((traceId, n) => ({ traceId, position: `${'0'.repeat(10)}${100 + n}#` }));
    const inline = [{ name: 'mine', serialized: JSON.stringify({ name: 'mine', ...judge }) }];
    const request = { ...safety, inline, filter: "name = 'agent'", startTime: 0 };
    const { run } = await ask(stack, request, { given: { search: { find } } });
    expect(run).toMatchObject({ state: 'planning', onDemand: 'found', mode: 'all' });
    expect(stack.startedExecutions).toEqual([run.backfillId]);
    const execution = new BackfillExecution(stack, { beforeRound: () => stack.drain(), sliceSize: 1_000 });
    const finished = await execution.start({}, run.backfillId);
    expect(finished.counts).toMatchObject([
      { found: 60, filtered: 1, judged: 59, alreadyDone: 0 },
      { found: 60, filtered: 1, judged: 59 },
    ]);
    expect(model.asked).toHaveLength(1 + 2 * 59);
    const rates = assessmentsOf(stack, 3).map(({ name, scorer }) => [name, scorer?.sampleRate]);
    expect(Object.fromEntries(rates)).toEqual({ safety: 0.5, mine: undefined });
    expect(stack.backfills.covered.size).toBe(0);
  });

  it('is what a search always is that reaches back behind what the trace store holds', async () => {
    const { stack, model } = await aStackToAssess(2);
    const find = async () => ids(2).map((traceId, n) => ({ traceId, position: `${'0'.repeat(10)}${100 + n}#` }));
    const at = (daysAgo: number) => ({ startTime: stack.nowMs - daysAgo * 86_400_000 });
    const options = { given: { search: { find } } };
    expect((await ask(stack, { ...safety, ...at(28) }, options)).run).toMatchObject({ onDemand: 'named' });
    expect(model.asked).toHaveLength(2);
    const { run, results } = await ask(stack, { ...safety, ...at(31) }, options);
    expect([run.state, run.onDemand, results]).toEqual(['planning', 'found', undefined]);
    expect(stack.startedExecutions).toEqual([run.backfillId]);
    await expect(ask(stack, { ...safety, ...at(31), dryRun: true }, options)).rejects.toThrow(
      'a dry run judges what the trace store holds, which keeps traces for 30 days: search those, or without dry_run',
    );
  });

  it('is cancelled and resumed as every backfill, beside others of the same scorer', async () => {
    const { stack, model } = await aStackToAssess(6);
    const execution = new BackfillExecution(stack, { beforeRound: () => stack.drain() });
    const { run } = await ask(stack, { ...safety, traceIds: ids(6) }, { given: nobodyJudges });
    const deps = execution.concluding();
    await cancelBackfill(run, { reason: 'by hand', deps });
    expect((await goesOn(stack, run.backfillId)).state).toBe('cancelled');
    stack.nowMs += 60_000;
    // A backfill of all the time there is keeps no run away that names its traces.
    const backfill = { scorers: [{ name: 'safety', sampleRate: 1 }], startTime: 0 };
    const beforeRound = async (round: number) => {
      if (round === 0) await resumeBackfill(run, { deps });
      await stack.drain();
    };
    const other = await new BackfillExecution(stack, { beforeRound }).start(backfill);
    expect(other.state).toBe('finished');
    expect(model.asked).toHaveLength(6);
    // Judged since it was asked for: nobody pays twice.
    expect(totalCounts((await goesOn(stack, run.backfillId)).counts ?? [])).toMatchObject({ judged: 6, pending: 0 });
    expect(model.asked).toHaveLength(6);
  });
});

/** The function that judges, with so many places and the time of the one who asks. */
function withinTime(stack: InMemoryStack, most: number) {
  const { direct } = stack.assessing();
  return {
    judge: async (requests: Parameters<typeof direct.judge>[0], options: { until: number }) =>
      direct.judge(requests.slice(0, most), options),
  };
}

describe('a process that dies', () => {
  /** Dies at the n-th call, once. */
  const at = (n: number, death: 'before' | 'after'): Fate => {
    let calls = 0;
    return () => (++calls === n ? death : undefined);
  };
  const deaths = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((n) => [
    { n, death: 'before' as const },
    { n, death: 'after' as const },
  ]);

  it.each(deaths)('$death call $n while it answers loses and repeats nothing', async ({ n, death }) => {
    const { stack, model } = await aStackToAssess(2);
    const request = { ...both, traceIds: ids(2) };
    await ask(stack, request, { key: 'k', fate: at(n, death) }).catch(() => undefined);
    stack.nowMs += 1_000;
    const { run } = await ask(stack, request, { key: 'k' });
    const finished = run.state === 'finished' ? run : await goesOn(stack, run.backfillId);
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ found: 4, judged: 4, pending: 0 });
    expect(model.asked).toHaveLength(2);
    expect(assessmentsOf(stack, 0)).toHaveLength(2);
  });

  it.each(deaths)('$death call $n while it judges is made good by the lane', async ({ n, death }) => {
    const { stack } = await aStackToAssess(2);
    const { run } = await ask(stack, { ...both, traceIds: ids(2) }, { judging: at(n, death) });
    const finished = run.state === 'finished' ? run : await goesOn(stack, run.backfillId);
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ found: 4, judged: 4, pending: 0 });
    for (const trace of [0, 1]) expect(assessmentsOf(stack, trace)).toHaveLength(2);
  });
});

describe('the weight of a sampled trace', () => {
  it('is added by live scoring that comes later, without judging again', async () => {
    const { stack, model } = await aStackToAssess(1);
    const { run } = await ask(stack, { ...safety, traceIds: ids(1) });
    await judgeLive(stack, 0);
    expect(model.asked).toHaveLength(1);
    const [assessment, ...more] = assessmentsOf(stack, 0);
    expect(more).toEqual([]);
    expect(assessment).toMatchObject({
      value: 'yes',
      scorer: { name: 'safety', version: 1, sampleRate: 0.5 },
      metadata: { 'assay.sampleRate': '0.5', 'assay.backfillId': run.backfillId },
    });
    expect(stack.archived.assessments.at(-1)).toEqual(assessment);
    expect(outcomeOf(stack, 0)).not.toHaveProperty('unweighted');
    await judgeLive(stack, 0);
    expect(stack.archived.assessments).toHaveLength(2);
  });

  it('is asked for by a decision that comes later', async () => {
    const { stack } = await aStackToAssess(1);
    await ask(stack, { ...safety, traceIds: ids(1) });
    const entry = stack.index.entries.get(idOf(0));
    if (!entry) return expect.fail('no trace');
    const { decision: _, ...undecided } = entry.info;
    entry.info = undecided;
    stack.rules = { ...stack.rules, scorers: stack.rules.scorers.map((rule) => ({ ...rule, sampleRate: 1 })) };
    await stack.tag(idOf(0), 'looked', 'again');
    await stack.drain();
    // By now it is another revision of the trace, which is judged anew.
    const safe = assessmentsOf(stack, 0).filter(({ name }) => name === 'safety');
    expect(safe.map(({ scorer }) => scorer?.sampleRate)).toEqual([1]);
  });

  it('stays with an assessment that is written over', async () => {
    const { stack, model } = await aStackToAssess(1);
    await judgeLive(stack, 0);
    stack.nowMs += 1_000;
    await ask(stack, { ...safety, traceIds: ids(1) });
    expect(model.asked).toHaveLength(2);
    expect(assessmentsOf(stack, 0)).toMatchObject([{ scorer: { sampleRate: 0.5 } }]);
    expect(outcomeOf(stack, 0)).not.toHaveProperty('unweighted');
  });

  it('is known of what live scoring waits to judge', async () => {
    const { stack, model } = await aStackToAssess(1);
    model.isDown = true;
    await judgeLive(stack, 0);
    expect(outcomeOf(stack, 0)).toMatchObject({ state: 'held', request: { sampleRate: 0.5 } });
    stack.nowMs += 3_600_000;
    // Still away: live scoring goes on waiting, as it did.
    await ask(stack, { ...safety, traceIds: ids(1) });
    expect(outcomeOf(stack, 0)?.request).toEqual({ experimentId: '0', rulesVersion: 3, sampleRate: 0.5 });
    stack.nowMs += 3_600_000;
    model.isDown = false;
    await ask(stack, { ...safety, traceIds: ids(1) });
    expect(assessmentsOf(stack, 0)).toMatchObject([{ scorer: { sampleRate: 0.5 } }]);
  });

  it('is not lost where live scoring comes to what is held on demand', async () => {
    const { stack, model } = await aStackToAssess(1);
    model.isDown = true;
    const { run } = await ask(stack, { ...safety, traceIds: ids(1) });
    await judgeLive(stack, 0);
    expect(outcomeOf(stack, 0)).toMatchObject({ state: 'held' });
    expect(outcomeOf(stack, 0)?.request).toEqual({ experimentId: '0', rulesVersion: 3, sampleRate: 0.5 });
    model.isDown = false;
    // Not stopped: what is held of a stopped scorer is not judged any more.
    stack.rules = { ...stack.rules, scorers: stack.rules.scorers.map((rule) => ({ ...rule, sampleRate: 0.5 })) };
    stack.nowMs += 3_600_000;
    await stack.sweep();
    await stack.drain();
    expect(assessmentsOf(stack, 0)).toMatchObject([{ scorer: { sampleRate: 0.5 } }]);
    expect(totalCounts((await goesOn(stack, run.backfillId)).counts ?? [])).toMatchObject({ judged: 1 });
    expect(model.asked).toHaveLength(1);
  });

  it('is known of what was decided and is still in the queue', async () => {
    const { stack } = await aStackToAssess(1);
    const entry = stack.index.entries.get(idOf(0));
    if (entry) entry.info = { ...entry.info, decision: { rulesVersion: 3, decidedAt: 0, selected: ['safety'] } };
    const rated = (rate: number) => stack.rules.scorers.map((rule) => ({ ...rule, sampleRate: rate }));
    stack.rules = { ...stack.rules, scorers: rated(0.25) };
    await ask(stack, { ...both, traceIds: ids(1) });
    const rates = assessmentsOf(stack, 0).map(({ name, scorer }) => [name, scorer?.sampleRate]);
    expect(Object.fromEntries(rates)).toEqual({ safety: 0.25, errors: undefined });
  });

  it('is found where it was decided while the trace was judged', async () => {
    const { stack } = await aStackToAssess(1);
    const entry = stack.index.entries.get(idOf(0));
    stack.rules = { ...stack.rules, scorers: stack.rules.scorers.map((rule) => ({ ...rule, sampleRate: 0.25 })) };
    const complete = stack.model.complete;
    stack.model = {
      ...stack.model,
      async complete(request) {
        const answer = await complete(request);
        if (entry) entry.info = { ...entry.info, decision: { rulesVersion: 3, decidedAt: 0, selected: ['safety'] } };
        return answer;
      },
    };
    await ask(stack, { ...safety, traceIds: ids(1) });
    expect(assessmentsOf(stack, 0)).toMatchObject([{ scorer: { sampleRate: 0.25 } }]);
  });

  it('is not added over what another run finds meanwhile, but to it', async () => {
    const { stack, model } = await aStackToAssess(1);
    await ask(stack, { ...safety, traceIds: ids(1) });
    stack.nowMs += 1_000;
    const complete = stack.model.complete;
    const others: Awaited<ReturnType<typeof ask>>[] = [];
    stack.model = {
      ...stack.model,
      async complete(request) {
        const answer = await complete(request);
        return { ...answer, text: answer.text.replace('yes', 'no') };
      },
    };
    const deps = stack.judging();
    const archive = {
      // Whatever was to be read was read by then.
      addAssessments: async () => {
        if (others.length === 0) others.push(await ask(stack, { ...safety, traceIds: ids(1) }));
        return undefined;
      },
    };
    await expect(judgeLive(stack, 0, undefined, { ...deps, archive })).rejects.toThrow('being judged by another');
    const [other] = others;
    expect(other?.run.state).toBe('finished');
    expect(outcomeOf(stack, 0)).toMatchObject({ backfillId: other?.run.backfillId });
    expect(assessmentsOf(stack, 0)).toMatchObject([{ value: 'no' }]);
    // The message comes again.
    await judgeLive(stack, 0);
    expect(assessmentsOf(stack, 0)).toMatchObject([{ value: 'no', scorer: { sampleRate: 0.5 } }]);
    expect(outcomeOf(stack, 0)).not.toHaveProperty('unweighted');
    expect(model.asked).toHaveLength(2);
  });

  it('is added by a backfill, which counts the trace as its own', async () => {
    const { stack, model } = await aStackToAssess(3);
    await ask(stack, { ...safety, traceIds: [idOf(0)] });
    stack.nowMs += 1_000;
    const execution = new BackfillExecution(stack, { beforeRound: () => stack.drain() });
    const finished = await execution.start({ scorers: [{ name: 'safety', sampleRate: 1 }], startTime: 0 });
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ found: 3, judged: 3, alreadyDone: 0 });
    expect(model.asked).toHaveLength(3);
    for (const n of [0, 1, 2]) expect(assessmentsOf(stack, n)).toMatchObject([{ scorer: { sampleRate: 1 } }]);
    expect(stack.backfills.covered.size).toBe(1);
  });
});

describe('two runs at once', () => {
  it('judge a trace once, and both end', async () => {
    const { stack, model } = await aStackToAssess(2);
    const request = { ...safety, traceIds: ids(2) };
    const first = await ask(stack, request, { key: 'a', given: nobodyJudges });
    stack.nowMs += 1_000;
    const second = await ask(stack, request, { key: 'b' });
    expect(second.run.state).toBe('finished');
    const finished = await goesOn(stack, first.run.backfillId);
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ judged: 2, pending: 0 });
    expect(model.asked).toHaveLength(2);
  });

  it('leave a trace to whoever judges it just now', async () => {
    const { stack, model } = await aStackToAssess(1);
    const info = stack.index.entries.get(idOf(0))?.info;
    const lease = { traceId: idOf(0), scorerName: 'safety', scorerVersion: 1, revision: info?.revision ?? 0 };
    const until = stack.nowMs + 150_000;
    await stack.judging().outcomes.lease({ ...lease, state: 'running', finishedAt: stack.nowMs, until }, stack.nowMs);
    const { run } = await ask(stack, { ...safety, traceIds: ids(1) });
    expect([run.state, model.asked.length]).toEqual(['running', 0]);
    const startedAt = stack.nowMs;
    const finished = await goesOn(stack, run.backfillId);
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ judged: 1 });
    // It died: its lease is waited for, not the hour that its messages would be.
    expect(stack.nowMs - startedAt).toBeLessThan(240_000);
  });
});

describe('a scorer that comes with the request', () => {
  const inline = [{ name: 'safety', serialized: JSON.stringify({ name: 'x', ...judge }) }];

  it('judges beside a registered one of its name, and leaves the registry alone', async () => {
    const { stack, model } = await aStackToAssess(1);
    const rules = structuredClone(stack.rules);
    const { run, results } = await ask(stack, { ...safety, inline, traceIds: ids(1) });
    expect(results).toMatchObject([
      { scorer: { name: 'safety', version: 1 }, state: 'judged', assessments: [{ scorer: { name: 'safety' } }] },
      { scorer: { version: 0, inline: { name: 'safety' } }, state: 'judged', assessments: [{ name: 'safety' }] },
    ]);
    const [own] = results?.[1]?.assessments ?? [];
    expect(own).not.toHaveProperty('scorer');
    expect(own?.metadata).toMatchObject({
      'mlflow.assessment.scorerName': 'safety',
      'assay.backfillId': run.backfillId,
    });
    expect(own?.metadata).not.toHaveProperty('mlflow.assessment.scorerVersion');
    expect(own?.source.type).toBe('LLM_JUDGE');
    expect(assessmentsOf(stack, 0)).toHaveLength(2);
    expect(model.asked).toHaveLength(2);
    expect(stack.rules).toEqual(rules);
    expect(stack.scorers).toHaveLength(2);
  });

  it('overwrites what it found in the same run, and not what it found in another', async () => {
    const { stack } = await aStackToAssess(1);
    await ask(stack, { inline, traceIds: ids(1) }, { key: 'a' });
    await ask(stack, { inline, traceIds: ids(1) }, { key: 'a' });
    expect(assessmentsOf(stack, 0)).toHaveLength(1);
    await ask(stack, { inline, traceIds: ids(1) }, { key: 'b' });
    expect(new Set(assessmentsOf(stack, 0).map(({ assessmentId }) => assessmentId)).size).toBe(2);
  });

  it('judges on the lane by what lies with its run', async () => {
    const { stack } = await aStackToAssess(2);
    const { run } = await ask(stack, { inline, traceIds: ids(2) }, { given: nobodyJudges });
    const finished = await goesOn(stack, run.backfillId);
    expect(totalCounts(finished.counts ?? [])).toMatchObject({ judged: 2 });
    expect(assessmentsOf(stack, 1)).toMatchObject([{ name: 'safety', value: 'yes' }]);
  });

  it('whose model may not be asked fails, and pauses nobody', async () => {
    const { stack, model } = await aStackToAssess(1);
    model.failure = new JudgeMisconfiguredError('no such key', { reason: 'credentials' });
    const { run, results } = await ask(stack, { inline, traceIds: ids(1) });
    expect([run.state, results]).toMatchObject([
      'finished',
      [{ state: 'failed', reason: 'JUDGE_MISCONFIGURED: no such key', assessments: [{ value: null }] }],
    ]);
    expect(stack.rules.scorers.some(({ paused }) => paused)).toBe(false);
  });
});

describe('a dry run', () => {
  it('tells what is found, and keeps nothing of it', async () => {
    const { stack, model } = await aStackToAssess(3);
    await stack.delete(idOf(2));
    const inline = [{ name: 'mine', serialized: JSON.stringify({ name: 'mine', ...judge }) }];
    const { run, progress, results } = await ask(stack, { ...both, inline, dryRun: true, traceIds: ids(3) });
    expect(results?.map(({ state }) => state)).toEqual([...Array(6).fill('judged'), ...Array(3).fill('deleted')]);
    expect(results?.find(({ scorer }) => scorer.inline)?.assessments).toMatchObject([{ name: 'mine', value: 'yes' }]);
    expect(totalCounts(progress.scorers)).toMatchObject({ found: 9, judged: 6, deleted: 3 });
    expect([progress.tokens, model.asked.length]).toEqual([440, 4]);
    expect(run).toMatchObject({ state: 'finished', dryRun: true });
    expect(assessmentsOf(stack, 0)).toEqual([]);
    expect(stack.index.entries.get(idOf(0))?.outcomes.size).toBe(0);
    expect(stack.archived.assessments).toEqual([]);
    expect(stack.backfills.backfills.size + stack.backfills.files.size + stack.backfills.decided.size).toBe(0);
  });

  it('says what was not done in time', async () => {
    const { stack, model } = await aStackToAssess(3);
    model.takesMs = 15_000;
    const { results } = await ask(stack, { ...safety, dryRun: true, traceIds: ids(3) });
    expect(results?.filter(({ state }) => state === 'judged').length).toBeGreaterThan(0);
    const late = results?.filter(({ state }) => state === 'not-judged') ?? [];
    expect(late.length + model.asked.length).toBe(3);
    expect(late[0]?.reason).toMatch(/without dry_run/);
  });

  it('of more than fifty traces is refused', async () => {
    const { stack } = await aStackToAssess(1);
    await expect(ask(stack, { ...safety, dryRun: true, traceIds: ids(51) })).rejects.toThrow(
      'a dry run judges at most 50 traces, got 51: ask for fewer, or without dry_run',
    );
  });
});

describe('what cannot be done is refused, and nothing is begun', () => {
  const session = {
    name: 'mood',
    serialized: JSON.stringify({ name: 'mood', builtin_scorer_class: 'UserFrustration' }),
  };
  const library = {
    name: 'lib',
    serialized: JSON.stringify({ name: 'lib', third_party_scorer_data: { module: 'm', class: 'C' } }),
  };
  const one = { ...safety, traceIds: ids(1) };

  it.each([
    [{ ...one, filter: "status = 'OK'" }, 'one of the two'],
    [safety, 'one of the two'],
    [{ ...one, traceIds: [] }, 'trace_ids must name 1 to 10,000 traces, got 0'],
    [{ ...one, traceIds: Array(10_001).fill(idOf(0)) }, 'got 10,001: search for more'],
    [{ ...one, traceIds: ['x'] }, 'a trace id is "tr-" and 32 hex digits, got "x"'],
    [{ ...safety, filter: 'nonsense' }, 'filter cannot be read'],
    [{ ...safety, startTime: 2, endTime: 1 }, 'start_time must be before end_time'],
    [{ traceIds: ids(1) }, 'must be 1 to 20 together, got 0'],
    [{ ...one, scorers: [{ name: 'X' }] }, "Scheduled scorer 'X' not found in experiment '0'"],
    [{ ...one, scorers: [{ name: 'safety', version: 7 }] }, 'Its latest version is 1'],
    [{ ...one, scorers: [...safety.scorers, ...safety.scorers] }, "scorers names 'safety' twice"],
    [{ ...one, inline: [session] }, "inline scorer 'mood' judges sessions"],
    [{ ...one, inline: [library] }, "inline scorer 'lib' cannot run here"],
    [{ ...one, inline: [{ ...library, serialized: 'x'.repeat(200_001) }] }, 'register them'],
  ])('%j', async (request, says) => {
    const { stack } = await aStackToAssess(1);
    await expect(ask(stack, request)).rejects.toThrow(says);
    expect(stack.backfills.backfills.size).toBe(0);
  });

  it('a scorer that is paused because its judge cannot be asked', async () => {
    const { stack } = await aStackToAssess(1);
    const paused = { reason: 'no key', since: 0, by: 'judge' as const };
    stack.rules = { ...stack.rules, scorers: stack.rules.scorers.map((rule) => ({ ...rule, paused })) };
    await expect(ask(stack, one)).rejects.toThrow(
      "scorer 'safety' is paused, because its judge cannot be asked: no key",
    );
  });
});

it('a trace that is incomplete when live scoring sends it later is judged by it', async () => {
  const { stack } = await aStackToAssess(0);
  const [root, ...children] = aTrace(0);
  stack.send(spansMessage(children, { receivedAt: stack.nowMs }));
  await stack.drain();
  const { results } = await ask(stack, { ...safety, traceIds: ids(1) });
  expect(results).toMatchObject([{ state: 'incomplete' }]);
  stack.rules = { ...stack.rules, scorers: stack.rules.scorers.map((rule) => ({ ...rule, sampleRate: 1 })) };
  stack.send(spansMessage([{ ...root, attributes: { 'output.value': 'x' } }], { receivedAt: stack.nowMs }));
  await stack.drain();
  expect(assessmentsOf(stack, 0).map(({ scorer }) => scorer?.sampleRate)).toEqual([1, 1]);
});
