import type { Clock, ScorerStore } from '../ports.ts';
import { remember } from '../remember.ts';
import { inlineVersion, isInline, type ScorerVersion } from '../scorer.ts';
import type { Backfill, BackfillScorer, InlineScorer } from './backfill.ts';
import type { BackfillStore } from './ports.ts';

/** Runs that one process keeps the scorers of. */
const maxKnown = 100;
const cacheMs = 10 * 60_000;

/** What a run calls a scorer that came with it: outcomes of two runs, or of a registered scorer of the name, are never mistaken. */
function inlineName(backfillId: string, name: string): string {
  return `${backfillId}/${name}`;
}

/** A scorer of a run that came with it. */
export function inlineScorer(backfillId: string, inline: InlineScorer): BackfillScorer & { inline: InlineScorer } {
  return { name: inlineName(backfillId, inline.name), version: inlineVersion, sampleRate: 1, inline };
}

/** As if it were registered: its id is of the run, and so are those of its assessments. Undefined for a registered one. */
export function inlineDefinition(
  { name, version, inline }: Pick<BackfillScorer, 'name' | 'version' | 'inline'>,
  { experimentId, createdAt }: Pick<Backfill, 'experimentId' | 'createdAt'>,
): ScorerVersion | undefined {
  return (
    inline && { experimentId, name: inline.name, version, scorerId: name, serialized: inline.serialized, createdAt }
  );
}

/** Definitions of registered scorers, and of those that came with a run, which lie with it. */
export function withInlineScorers(
  registered: Pick<ScorerStore, 'definition'>,
  { backfills, now }: { backfills: Pick<BackfillStore, 'get'>; now: Clock },
): Pick<ScorerStore, 'definition'> {
  const runs = remember<Backfill | undefined>({ forMs: cacheMs, atMost: maxKnown, now });
  return {
    async definition(experimentId, name, version) {
      if (!isInline({ version })) return registered.definition(experimentId, name, version);
      const backfillId = name.slice(0, name.indexOf('/'));
      const run = await runs.recall(`${experimentId}/${backfillId}`, () => backfills.get({ experimentId, backfillId }));
      const scorer = run?.scorers.find((other) => other.name === name);
      return run && scorer && inlineDefinition(scorer, run);
    },
  };
}
