import { openArchive } from '../cli/archive.ts';
import { type AssayApi, assayApi, type Trace } from './assay-api.ts';
import { awaitArchive } from './await-archive.ts';
import { awaitJudgements } from './await-judgements.ts';
import { expectJudgements } from './expected-judgements.ts';
import { judgementsOf } from './judgements.ts';
import type { DemoOptions } from './options.ts';
import type { DemoResult } from './page/page.ts';
import type { Progress } from './page/progress.ts';
import { askArchive } from './questions.ts';
import { readQueueDepths } from './queues.ts';
import { readArchived } from './read-archived.ts';
import { reconcile } from './reconcile/reconcile.ts';
import { runApplication } from './run-application.ts';
import { demoScorers } from './scorers.ts';
import type { ScriptedJudge } from './scripted-judge/scripted-judge.ts';
import type { SentSpans } from './sent-spans.ts';
import type { RunningStack } from './stack.ts';

/** What judges may spend: more than the demo takes. */
const usdPerDay = 5;
/** The experiment that is always there. */
const experimentId = '0';

/** The main job, on a stack that runs: scorers, application, judgements, archive; then reads everything back and compares. */
export async function runDemo(
  stack: RunningStack,
  {
    seed,
    sessions,
    judge,
    signal,
    progress,
  }: DemoOptions & { judge: ScriptedJudge; signal: AbortSignal; progress: Progress },
): Promise<DemoResult> {
  const api = assayApi({ url: stack.url, key: stack.adminKey, experimentId });
  progress.step('registering and starting scorers');
  await api.setBudget(usdPerDay);
  for (const scorer of demoScorers) await api.startScorer(scorer);
  progress.update(`${demoScorers.length} scorers, US$ ${usdPerDay} a day for judges`);

  progress.step('customers talk to the support agent');
  const onTurn = (done: number, planned: number) => progress.update(`${done} of ${planned} traces`);
  const run = await runApplication({ url: stack.url, key: stack.ingestKey, seed, sessions, signal, onTurn });
  const live = expectJudgements(run.sent, { scorers: demoScorers });
  const expectations = expectJudgements(run.sent, { scorers: demoScorers, backfilled: true });

  progress.step('traces settle and are judged');
  await awaitJudgements(live, {
    api,
    pending: async () => (await readQueueDepths(stack.aws)).pending,
    onProgress: (judged, expected) => progress.update(`${judged} of ${expected} assessments`),
  });

  const backfilled = demoScorers.filter(({ backfillRate }) => backfillRate !== undefined);
  progress.step(`a backfill: ${backfilled.map(({ name }) => name).join(', ')}, over what is there`);
  const backfill = await api.backfill(backfilled, ({ judged }) => progress.update(`${judged} assessments more`));

  progress.step('reading every trace back');
  const found = await api.searchAll();
  const traces = await readTraces(api, run.sent);

  progress.step('querying the archive');
  const archive = await openArchive(stack.aws);
  try {
    await archive.createViews();
    const assessments = traces.reduce((sum, trace) => sum + judgementsOf(trace).length, 0);
    const counts = { traces: run.sent.byTrace.size, spans: run.sent.count, assessments };
    await awaitArchive(counts, { query: archive.query, flush: stack.flushArchive });
    const { deadLetters } = await readQueueDepths(stack.aws);
    const judging = { calls: judge.calls, refused: judge.refused, booked: await api.readBudget() };
    const evidence = {
      ...run,
      live,
      expectations,
      backfill,
      found,
      traces,
      judging,
      archive: await readArchived(archive),
      deadLetters,
    };
    const questions = await askArchive(archive);
    progress.done();
    return { ...evidence, judgedAfter: judgedAfter(traces, run.sent), questions, checks: reconcile(evidence) };
  } finally {
    archive.close();
  }
}

/** Reads at the same time. */
const readers = 4;

/** Every trace that was sent, with its spans and assessments; one that cannot be read is an error. */
async function readTraces(api: AssayApi, sent: SentSpans): Promise<readonly Trace[]> {
  const waiting = sent.byTrace.keys();
  const traces: Trace[] = [];
  const read = async () => {
    for (const traceId of waiting) traces.push(await api.getTrace(traceId));
  };
  await Promise.all(Array.from({ length: readers }, read));
  return traces;
}

/** From the acknowledgement of the last spans of a trace to each of its assessments, ms; by the id of the assessment. */
function judgedAfter(traces: readonly Trace[], sent: SentSpans): ReadonlyMap<string, number> {
  const waits = traces.flatMap((trace) => {
    const spans = sent.byTrace.get(trace.trace_info.trace_id) ?? [];
    const last = Math.max(...spans.map(({ acknowledgedAt }) => acknowledgedAt));
    return judgementsOf(trace).map(
      ({ assessment_id, create_time }) => [assessment_id, Math.max(0, Date.parse(create_time) - last)] as const,
    );
  });
  return new Map(waits);
}
