import type { Send } from './transport.ts';

/** What everything that a client gives out is made with. */
export interface Context {
  readonly send: Send;
  /** Where no other is named. */
  readonly experimentId: string;
}

/** Where what a client gave out belongs. */
export interface At {
  readonly experimentId: string;
  readonly context: Context;
}

/** Of every call that concerns an experiment. */
export interface OfExperiment {
  /** Absent: the client's. */
  readonly experimentId?: string | undefined;
}
