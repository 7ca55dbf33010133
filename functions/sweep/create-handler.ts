import { type SweepDeps, sweep } from '../../shared/domain/sweep.ts';

/** Runs every minute. Answers what it did, for the log. */
export function createHandler(deps: SweepDeps): () => ReturnType<typeof sweep> {
  return () => sweep(deps);
}
