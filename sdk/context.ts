import type { Send } from './transport.ts';

/** What everything that a client gives out is made with. */
export interface Context {
  readonly send: Send;
  /** Where no other is named. */
  readonly experimentId: string;
}

/** Of every call that concerns an experiment. */
export interface OfExperiment {
  /** Absent: the client's. */
  readonly experimentId?: string | undefined;
}
