import type { HeldBy } from './judging/judging-metrics.ts';

/** What became, or becomes, of one scorer version on one trace. */
export interface EvaluationOutcome {
  readonly traceId: string;
  readonly scorerName: string;
  readonly scorerVersion: number;
  /**
   * `running`: a function judges it, and until its lease ends nobody else begins. `held`: selected and not judged, for the reason given;
   * whoever comes later and can, judges it.
   */
  readonly state: 'running' | 'done' | 'failed' | 'held';
  /** Revision of the trace that was judged. */
  readonly revision: number;
  /** Epoch ms; of a held one when it was held, of a running one when it was begun. */
  readonly finishedAt: number;
  /** Of a failed one: what the assessment with the error says. Of a held one: what holds it. */
  readonly reason?: string;
  /** Of a running one the end of its lease, of a held one the time before which it is not tried again, epoch ms. */
  readonly until?: number;
  /** Of a held one: when the sweep asks for it again, epoch ms; absent where nothing but a change of the scorer would help. */
  readonly dueAt?: number;
  /** Of a held one: since when it has been held, whatever it was tried again meanwhile, epoch ms. */
  readonly heldSince?: number;
  /** Of a held one: what kind of thing holds it. `heldSince` counts for this alone. */
  readonly heldBy?: HeldBy;
  /** Of a held one, and of one that was held before it was begun: what its evaluation was asked for with. */
  readonly request?: Pick<EvaluationRequest, 'experimentId' | 'rulesVersion' | 'backfill'> &
    Pick<SelectedScorer, 'sampleRate'>;
  /** Of a finished one: the backfill that asked for it. */
  readonly backfillId?: string;
  /** Of a finished one whose assessments carry no sampling rate: whoever samples the trace gives it to them. */
  readonly unweighted?: true;
  /** Of one that a backfill asked for: what its judges cost. An unpriced model costs no US$ that we know of. */
  readonly spent?: { readonly usd: number; readonly tokens: number };
}

/** Longer than the function that judges lives, which is two minutes at most: a lease ends only by the death of its holder. */
export const leaseMs = 150_000;

/** Whether nothing is left to do but by spans that came later. */
export function isFinished({ state }: Pick<EvaluationOutcome, 'state'>): boolean {
  return state === 'done' || state === 'failed';
}

/** How an evaluation ended that found this: failed where any of it is an error. */
export function endedBy(
  found: readonly { readonly error?: { readonly code: string; readonly message: string } | undefined }[],
): { readonly state: 'done' | 'failed'; readonly reason?: string } {
  const failure = found.find(({ error }) => error !== undefined)?.error;
  return failure ? { state: 'failed', reason: `${failure.code}: ${failure.message}` } : { state: 'done' };
}

/** Later than anything is due: of a held one whose backfill was stopped. Nothing asks for it before the backfill itself does. */
export const letGoDueAt = Number.MAX_SAFE_INTEGER;

export function isLetGo({ state, dueAt }: Pick<EvaluationOutcome, 'state' | 'dueAt'>): boolean {
  return state === 'held' && dueAt === letGoDueAt;
}

/** One trace to be judged by the scorers that its sampling decision selected. */
export interface EvaluationRequest {
  readonly traceId: string;
  readonly experimentId: string;
  readonly rulesVersion: number;
  /** Revision of the trace at its decision. */
  readonly revision: number;
  readonly scorers: readonly SelectedScorer[];
  /** Absent: live scoring asks. */
  readonly backfill?: BackfillMark;
}

/** The backfill that asks for an evaluation. */
interface BackfillMark {
  readonly id: string;
  /** What the scorer version has judged already, it judges again, once for each backfill. */
  readonly again: boolean;
  /** When it was asked to, epoch ms: what anybody has judged since need not be judged again. */
  readonly since?: number | undefined;
}

export interface SelectedScorer {
  readonly name: string;
  readonly version: number;
  /** By which the trace was selected; absent where it is judged on demand, which has no weight. */
  readonly sampleRate?: number | undefined;
}

/** The evaluations that held outcomes wait for, one for each trace, version of the rules and backfill. */
export function requestsOf(held: readonly EvaluationOutcome[]): readonly EvaluationRequest[] {
  const wanted = held.flatMap(({ request, ...outcome }) => (request ? [{ ...outcome, request }] : []));
  const groups = Map.groupBy(
    wanted,
    ({ traceId, revision, request: { experimentId, rulesVersion, backfill } }) =>
      `${traceId}/${revision}/${experimentId}/${rulesVersion}/${backfill?.id ?? ''}`,
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { traceId, revision, request } = first;
    const scorers = group.map((outcome) => ({
      name: outcome.scorerName,
      version: outcome.scorerVersion,
      ...(outcome.request.sampleRate !== undefined && { sampleRate: outcome.request.sampleRate }),
    }));
    const { experimentId, rulesVersion, backfill } = request;
    return [{ traceId, experimentId, rulesVersion, revision, scorers, ...(backfill && { backfill }) }];
  });
}
