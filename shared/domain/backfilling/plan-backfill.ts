import { ApiError } from '../api-error.ts';
import type { ScorerStore } from '../ports.ts';
import type { ScorerTraits, ScorerVersion } from '../scorer.ts';
import type { Backfill, Slice } from './backfill.ts';
import { type ChangeBackfillDeps, changeBackfill } from './change-backfill.ts';
import { claimRange } from './claims.ts';
import { cutBackfill, sliceSize } from './cut-slices.ts';
import { inlineDefinition } from './inline-scorers.ts';
import type { BackfillStore, ClaimStore, SliceFiles, TraceSlices } from './ports.ts';
import { type PredictDeps, predictBackfill } from './predict.ts';
import { type BackfillRequest, type ResolveDeps, resolveBackfill } from './request.ts';

export interface PlanDeps
  extends Omit<ResolveDeps, 'backfills'>,
    Omit<PredictDeps, 'asksModel' | 'slices'>,
    ChangeBackfillDeps {
  readonly backfills: BackfillStore & ClaimStore;
  readonly scorers: Pick<ScorerStore, 'get' | 'list' | 'definition'>;
  readonly slices: TraceSlices;
  readonly files: SliceFiles;
  readonly readTraits: (version: ScorerVersion) => ScorerTraits;
  /** Traces of a slice. */
  readonly sliceSize?: number;
}

/** Two hundred million traces: what the plan has time for, and the map items for. */
const maxSlices = 200_000;

/** The backfill of this id: the one that was asked for first. Throws ApiError. */
export async function askForBackfill(
  request: BackfillRequest,
  { backfillId, deps }: { backfillId: string; deps: ResolveDeps & { readonly backfills: BackfillStore & ClaimStore } },
): Promise<Backfill> {
  const ref = { backfillId, experimentId: request.experimentId };
  const known = await deps.backfills.get(ref);
  if (known) return known;
  const backfill = await resolveBackfill(request, { backfillId, deps });
  if (await deps.backfills.create(backfill)) return backfill;
  return (await deps.backfills.get(ref)) ?? backfill;
}

/**
 * Plans a backfill that was asked for: claims its range, cuts it into slices, predicts what it will judge and cost, and has it run. One
 * that is planned already is answered as it is: its slices never change.
 * @throws ApiError where another one has its range
 */
export async function planBackfill(asked: Backfill, deps: PlanDeps): Promise<Backfill> {
  if (asked.state !== 'planning') return asked;
  if (!asked.dryRun) await claimRange(asked, deps.backfills);
  const slices = await cutBackfill(asked, { slices: deps.slices, size: deps.sliceSize ?? sliceSize });
  if (slices.length > maxSlices) {
    const limit = (maxSlices * sliceSize).toLocaleString('en');
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `the range has more than ${limit} traces: split it into several backfills`,
    );
  }
  const asksModel = await Promise.all(asked.scorers.map((scorer) => doesAskModel(scorer, { asked, deps })));
  const predictions = await predictBackfill(asked, { slices, deps: { ...deps, asksModel } });
  const traces = tracesIn(slices, asked);
  const plan = { slicesKey: await deps.files.put(asked, slices), slices: slices.length, traces, predictions };
  return changeBackfill(asked, {
    backfills: deps.backfills,
    // Paused or cancelled meanwhile, it stays so, and has its plan.
    change: (current) => {
      if (current.plan) return current;
      const isPlanning = current.state === 'planning';
      const state = asked.dryRun ? ('planned' as const) : ('running' as const);
      return { ...current, plan, ...(isPlanning && { state, stateAt: deps.now() }) };
    },
  });
}

/** In the archived part the archive knows better: what is not sampled is not here any more. */
function tracesIn(slices: readonly Slice[], { archived }: Backfill): number {
  const counted = archived ? slices.filter(({ sampledOnly }) => !sampledOnly) : slices;
  return counted.reduce((sum, slice) => sum + slice.traces, archived?.found ?? 0);
}

async function doesAskModel(
  scorer: Backfill['scorers'][number],
  { asked, deps }: { asked: Backfill; deps: PlanDeps },
): Promise<boolean> {
  const { name, version, inline } = scorer;
  const definition = inline
    ? inlineDefinition(scorer, asked)
    : await deps.scorers.definition(asked.experimentId, name, version);
  return definition !== undefined && deps.readTraits(definition).asksModel;
}
