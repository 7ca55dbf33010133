import { readsSpans } from '../decide-sampling.ts';
import { sessionOf } from '../facts/who.ts';
import type { RuleStore, ScorerStore, SessionStore, TraceReader, TraceRecord } from '../ports.ts';
import { blocksOf, type ReadBlocksDeps, readBlockSpans } from '../read-blocks.ts';
import type { Rules } from '../rules.ts';
import type { Evidence } from './explain-trace.ts';

export interface ReadEvidenceDeps extends ReadBlocksDeps {
  readonly index: Pick<TraceReader, 'readTrace'>;
  readonly rules: Pick<RuleStore, 'current' | 'version'>;
  readonly scorers: Pick<ScorerStore, 'list' | 'definition'>;
  readonly sessions: Pick<SessionStore, 'read'>;
}

/** Collects what explains a trace, for one scorer or for all that are registered or were set when it was decided. */
export async function readEvidence(
  record: TraceRecord,
  scorer: string | undefined,
  deps: ReadEvidenceDeps,
): Promise<Evidence> {
  const rules = await rulesOf(record, deps);
  const names = new Set(scorer === undefined ? await namesIn(rules, deps) : [scorer]);
  const scorers = new Map<string, number | undefined>();
  for (const name of names) {
    // What was set was registered before.
    const isSet = rules.scorers.some((rule) => rule.name === name);
    const first = isSet ? undefined : await deps.scorers.definition(rules.experimentId, name, 1);
    scorers.set(name, first?.createdAt);
  }
  const asked = { ...rules, scorers: rules.scorers.filter(({ name }) => names.has(name)) };
  const spans = asked.scorers.some(readsSpans) ? await readBlockSpans(blocksOf(record), deps) : [];
  const session = await sessionFor(record, { asked, deps });
  return { record, rules: asked, scorers, spans, ...(session && { session }) };
}

async function sessionFor({ info }: TraceRecord, { asked, deps }: { asked: Rules; deps: ReadEvidenceDeps }) {
  const sessionId = sessionOf(info.facts);
  if (!sessionId || !asked.scorers.some(({ level }) => level === 'session')) return undefined;
  return deps.sessions.read({ experimentId: info.experimentId, sessionId });
}

async function rulesOf({ info }: TraceRecord, { rules }: ReadEvidenceDeps): Promise<Rules> {
  const { experimentId, decision } = info;
  if (decision === undefined) return rules.current(experimentId);
  const decidedBy = await rules.version(experimentId, decision.rulesVersion);
  if (decidedBy) return decidedBy;
  throw new Error(`rules version ${decision.rulesVersion} of experiment ${experimentId} is gone`);
}

async function namesIn(rules: Rules, { scorers }: ReadEvidenceDeps): Promise<readonly string[]> {
  const registered = await scorers.list(rules.experimentId);
  return [...rules.scorers, ...registered].map(({ name }) => name);
}
