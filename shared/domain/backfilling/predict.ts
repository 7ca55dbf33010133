import type { Assessment } from '../assessment.ts';
import type { AssessmentStore, TraceReader, TraceSearch } from '../ports.ts';
import { type Backfill, nothingDecided, type Prediction, type Slice, type SliceDecision } from './backfill.ts';
import { type DecideDeps, decideTraces, joinDecisions } from './decide-slice.ts';
import type { TraceSlices } from './ports.ts';

export interface PredictDeps extends DecideDeps {
  readonly slices: Pick<TraceSlices, 'days' | 'read'>;
  readonly search: TraceSearch;
  readonly assessments: Pick<AssessmentStore, 'listAll'>;
  readonly index: TraceReader;
  /** Whether the scorers of the backfill ask a model, in their order. */
  readonly asksModel: readonly boolean[];
}

/** Slices that are looked into, evenly over the range, and the traces of each: a thousand tell a share to three percent. */
const [probedSlices, probedTraces] = [20, 50];
/** So many sampled traces tell what share of others a filter matches. */
const tellingTraces = 50;
/** The newest traces of the experiment, of whose assessments averages are made. */
const recentTraces = 300;

/**
 * What the backfill is expected to judge and to cost. A sample of its traces is decided as all will be, and stands for them all; what a
 * judgement takes is the average of what the same scorer's recent assessments say of themselves. Nothing is judged for it. What only lies in
 * the archive, as in a dry run all of an archived part, is counted there; its filters are taken to match as they do in the sample.
 */
export async function predictBackfill(
  backfill: Backfill,
  { slices: all, deps }: { slices: readonly Slice[]; deps: PredictDeps },
): Promise<readonly Prediction[]> {
  const archived = backfill.dryRun ? backfill.archived : undefined;
  const slices = archived ? all.filter(({ sampledOnly }) => !sampledOnly) : all;
  const shares = await sharesIn(backfill, { slices, deps });
  const traces = slices.reduce((sum, slice) => sum + slice.traces, 0);
  const averages = averagesOf(await recentJudgements(backfill, deps));
  return backfill.scorers.map(({ name }, i) => {
    const { enqueued = 0, matching = 1 } = shares[i] ?? {};
    const evaluations = Math.round(traces * enqueued + (archived?.open[i] ?? 0) * matching);
    if (!deps.asksModel[i]) return { evaluations, tokens: 0, usd: 0, basis: 'no-model' };
    const [basis, average] = averages.has(name)
      ? (['scorer', averages.get(name)] as const)
      : (['experiment', averages.get(undefined)] as const);
    if (average === undefined) return { evaluations, basis: 'unknown' };
    return {
      evaluations,
      tokens: Math.round(evaluations * average.tokens),
      ...(average.usd !== undefined && { usd: Number((evaluations * average.usd).toFixed(6)) }),
      basis,
    };
  });
}

interface Shares {
  /** Of all traces, those that the scorer would be asked about. */
  readonly enqueued: number;
  /** Of those that it samples, those that its filter matches; 1 where there are too few to tell by. */
  readonly matching: number;
}

async function sharesIn(
  backfill: Backfill,
  { slices, deps }: { slices: readonly Slice[]; deps: PredictDeps },
): Promise<readonly Shares[]> {
  const filled = slices.filter(({ traces }) => traces > 0);
  const stride = Math.max(1, Math.floor(filled.length / probedSlices));
  const probed = filled.filter((_, i) => i % stride === 0);
  const isAll = slices.reduce((sum, { traces }) => sum + traces, 0) <= probedSlices * probedTraces;
  let decision: SliceDecision = { decided: backfill.scorers.map(() => nothingDecided), wanted: [] };
  let asked = 0;
  for (const slice of probed) {
    const found = await firstOf(slice, { limit: isAll ? slice.traces : probedTraces, backfill, deps });
    asked += found.length;
    decision = joinDecisions(decision, await decideTraces(found, { backfill, deps }));
  }
  return decision.decided.map(({ enqueued, alreadyDone, filtered }) => {
    const [matched, sampled] = [enqueued + alreadyDone, enqueued + alreadyDone + filtered];
    return {
      enqueued: asked === 0 ? 0 : enqueued / asked,
      matching: sampled < tellingTraces ? 1 : matched / sampled,
    };
  });
}

async function firstOf(
  { shard, after, upTo }: Slice,
  { limit, backfill, deps }: { limit: number; backfill: Backfill; deps: PredictDeps },
) {
  const { experimentId } = backfill;
  const found = [];
  for (const day of await deps.slices.days(experimentId, { after, upTo })) {
    if (found.length >= limit) break;
    found.push(...(await deps.slices.read({ experimentId, shard, day, after, upTo }, limit - found.length)));
  }
  return found;
}

/** What a judge's assessment of one trace took. */
interface Judgement {
  readonly scorer: string;
  readonly tokens: number;
  readonly usd: number | undefined;
}

async function recentJudgements({ experimentId }: Backfill, deps: PredictDeps): Promise<readonly Judgement[]> {
  const range = { from: 0, to: Number.MAX_SAFE_INTEGER };
  const found = await deps.search.find({ experimentIds: [experimentId], ...range, limit: recentTraces });
  const infos = await deps.index.getInfos(found.map(({ traceId }) => traceId));
  const assessments = await deps.assessments.listAll([...infos.values()]);
  return [...assessments.values()].flatMap(ofTrace);
}

/** Each scorer once: several assessments that one judgement left say the same of it. */
function ofTrace(assessments: readonly Assessment[]): readonly Judgement[] {
  const judged = assessments.flatMap(({ scorer, metadata }) => {
    const [input, output] = [
      metadata['mlflow.assessment.judgeInputTokens'],
      metadata['mlflow.assessment.judgeOutputTokens'],
    ];
    if (scorer === undefined || input === undefined) return [];
    const usd = metadata['mlflow.assessment.judgeCost'];
    const tokens = Number(input) + Number(output ?? 0);
    return [{ scorer: scorer.name, tokens, usd: usd === undefined ? undefined : Number(usd) }];
  });
  return [...new Map(judged.map((one) => [one.scorer, one])).values()];
}

interface Average {
  readonly tokens: number;
  /** Absent where the model has no price. */
  readonly usd: number | undefined;
}

/** By scorer; undefined: of all together. */
function averagesOf(judgements: readonly Judgement[]): ReadonlyMap<string | undefined, Average> {
  const groups = [...Map.groupBy(judgements, ({ scorer }) => scorer as string | undefined)];
  const all = judgements.length > 0 ? [[undefined, judgements] as const] : [];
  return new Map([...groups, ...all].map(([scorer, group]) => [scorer, averageOf(group)]));
}

function averageOf(group: readonly Judgement[]): Average {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const priced = group.flatMap(({ usd }) => usd ?? []);
  return {
    tokens: mean(group.map(({ tokens }) => tokens)),
    usd: priced.length > 0 ? mean(priced) : undefined,
  };
}
