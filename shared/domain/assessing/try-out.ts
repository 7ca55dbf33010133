import { type Backfill, nothingDecided } from '../backfilling/backfill.ts';
import { asFound } from '../backfilling/cut-slices.ts';
import { type DecideDeps, decideTraces } from '../backfilling/decide-slice.ts';
import { toRequest } from '../backfilling/enqueue-slice.ts';
import type { BackfillProgress } from '../backfilling/progress.ts';
import { invalid } from '../backfilling/request.ts';
import type { DirectJudging, NamedDefinition } from './ports.ts';
import { ofNamed } from './request.ts';
import { inOrder, type RunResult, unfitResults } from './run-results.ts';

interface TriedOut {
  readonly run: Backfill;
  readonly progress: BackfillProgress;
  readonly results: readonly RunResult[];
}

interface TryOutOptions {
  /** Absent: there are too many. */
  readonly traceIds: readonly string[] | undefined;
  readonly maxDirect: number;
  readonly until: number;
  readonly deps: DecideDeps & { readonly direct: Pick<DirectJudging, 'tryOut'> };
}

/** Only directly: what is not kept can be told to nobody later. */
export async function tryOut(run: Backfill, { traceIds, maxDirect, until, deps }: TryOutOptions): Promise<TriedOut> {
  if (traceIds === undefined || traceIds.length > maxDirect) {
    const got = traceIds === undefined ? 'the search finds more' : `got ${traceIds.length}`;
    throw invalid(`a dry run judges at most ${maxDirect} traces, ${got}: ask for fewer, or without dry_run`);
  }
  const named = ofNamed(run);
  const { decided, wanted, unfit = [] } = await decideTraces(asFound(traceIds), { backfill: named, deps });
  const requests = wanted.map((one) => toRequest(one, named));
  const trials = requests.length > 0 ? await deps.direct.tryOut(requests, { until, inline: definitionsOf(named) }) : [];
  const results = [
    ...trials.flatMap(({ scorerName, scorerVersion, ...trial }) => {
      const scorer = named.scorers.find(({ name, version }) => name === scorerName && version === scorerVersion);
      return scorer ? [{ ...trial, scorer }] : [];
    }),
    ...unfit.flatMap((one) => unfitResults(one, named.scorers)),
  ];
  const sum = (of: (result: RunResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const progress = {
    scorers: named.scorers.map((scorer, i) => countsOf(results, { scorer, decided: decided[i] ?? nothingDecided })),
    slicesEnqueued: 0,
    waiting: 0,
    usd: Number(sum(({ usd }) => usd).toFixed(9)),
    tokens: sum(({ tokens }) => tokens),
  };
  return { run: { ...named, state: 'finished' }, progress, results: inOrder(results, traceIds) };
}

function definitionsOf({ scorers }: Backfill): readonly NamedDefinition[] {
  return scorers.flatMap(({ name, inline }) =>
    inline ? [{ name, shownAs: inline.name, serialized: inline.serialized }] : [],
  );
}

function countsOf(
  results: readonly RunResult[],
  { scorer, decided }: { scorer: Backfill['scorers'][number]; decided: typeof nothingDecided },
): BackfillProgress['scorers'][number] {
  const of = (state: RunResult['state']) =>
    results.filter((result) => result.scorer === scorer && result.state === state).length;
  const { enqueued, ...left } = decided;
  return {
    ...left,
    found: enqueued + decided.deleted + decided.incomplete,
    judged: of('judged'),
    failed: of('failed'),
    held: of('held'),
    cancelled: 0,
    pending: of('not-judged'),
  };
}
