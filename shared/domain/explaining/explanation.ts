import type { Assessment } from '../assessment.ts';
import type { ScorerDecision } from '../decide-sampling.ts';
import type { SessionScorerDecision } from '../session.ts';
import type { Completeness, TraceDecision } from '../trace.ts';

/** Why each scorer did, or did not, judge a trace. */
export interface TraceExplanation {
  readonly traceId: string;
  readonly experimentId: string;
  readonly completeness: Completeness;
  /** The trace's sampling coordinate. */
  readonly u: number;
  /** Absent while it is undecided. */
  readonly decision?: TraceDecision;
  /** By name. */
  readonly scorers: readonly ScorerExplanation[];
}

export type ScorerExplanation = ScorerSetting & ScorerReason;

/** What was set of the scorer in the rules that decided, or that are to decide; absent where nothing was. */
interface ScorerSetting {
  readonly name: string;
  readonly version?: number;
  readonly sampleRate?: number;
  readonly filter?: string;
}

export type ScorerReason =
  | NotSelected
  /** Nothing was registered under the name yet; `registeredAt`, epoch ms, where something was later. */
  | { readonly kind: 'not-registered'; readonly registeredAt?: number }
  /** Registered, and nothing was set of it. */
  | { readonly kind: 'not-started' }
  /** The trace is not complete: it waits for a root span that has ended, or for spans that its client counted. */
  | {
      readonly kind: 'open';
      readonly spansHere: number;
      readonly spansExpected?: number;
      /** When it is closed if nothing comes, epoch ms. */
      readonly closesAt?: number;
    }
  /** The trace is complete and has not been decided. */
  | { readonly kind: 'undecided' }
  /** Not selected when it was decided; it would be by what is known of the trace now. */
  | { readonly kind: 'changed' }
  | Selected;

/** As the rules say it, with what they need to say it; of a scorer of sessions what became of the trace's session. */
type NotSelected = Exclude<ScorerDecision, { kind: 'selected' | 'session-level' }> | SessionLevel;

interface SessionLevel {
  readonly kind: 'session-level';
  /** Absent where the trace is of no session. */
  readonly session?: SessionFate;
}

/** What became of a session, for one scorer. */
export type SessionFate = { readonly sessionId: string } & (
  | Exclude<SessionScorerDecision, { kind: 'selected' }>
  /** It is judged when it has been quiet; `dueAt`, epoch ms, where that is known. */
  | { readonly kind: 'waiting'; readonly dueAt?: number }
  /** The scorer was not started when the session was decided. */
  | { readonly kind: 'not-started' }
  /** What it found stands at the session's first trace. */
  | {
      readonly kind: 'done' | 'failed' | 'held';
      readonly finishedAt: number;
      readonly firstTraceId: string;
      readonly assessmentIds: readonly string[];
      readonly reason?: string;
    }
);

type Selected = (
  | { readonly kind: 'queued' }
  | { readonly kind: 'running'; readonly finishedAt: number }
  /** `until`: when it is tried again, epoch ms; absent where it is not by itself. */
  | { readonly kind: 'held'; readonly reason: string; readonly finishedAt: number; readonly until?: number }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      readonly finishedAt: number;
      readonly found: readonly Assessment[];
    }
  | { readonly kind: 'done'; readonly finishedAt: number; readonly found: readonly Assessment[] }
) & {
  /** What the rules say of the trace as it is now, where they would not select it any more. */
  readonly otherwiseNow?: NotSelected;
};
