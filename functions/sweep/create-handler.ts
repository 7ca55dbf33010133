import { type SweepDeps, type Swept, sweep } from '../../shared/domain/sweep.ts';

/** Runs every minute. Answers what it did, for the log. */
export function createHandler(deps: SweepDeps): () => Promise<Swept> {
  return () => sweep(deps);
}
