import { matchFilter } from '../../shared/domain/filter/match-filter.ts';
import { parseFilter } from '../../shared/domain/filter/parse-filter.ts';
import type { FilterSubject } from '../../shared/domain/filter/subject.ts';
import type { TraceFacts } from '../../shared/domain/trace.ts';

export interface FilterDecisions {
  readonly filter: string;
  /** Decisions a second of one core. */
  readonly perSecond: number;
}

/** The first is the typical one, which the goal is about; the others show what each kind of condition costs. */
const filters = [
  "status = 'OK' AND tags.environment = 'production' AND execution_time_ms > 100",
  "name LIKE '%support%' AND metadata.`service.name` != 'batch' AND trace.total_tokens > 1000",
  "tags.environment RLIKE '^prod' AND trace.user ILIKE 'USER-%'",
  "feedback.safety = 'no' AND trace.total_cost > 0.0001",
] as const;

const passes = 5;
const decisionsAPass = 400_000;

/** As the hot path decides: by the filter's text, for each trace anew. The best of several passes. */
export function filterDecisions(): readonly FilterDecisions[] {
  const subjects = Array.from({ length: 1_000 }, (_, i) => subject(i));
  return filters.map((filter) => ({
    filter,
    perSecond: Math.max(...Array.from({ length: passes }, () => decidedPerSecond(filter, subjects))),
  }));
}

function decidedPerSecond(filter: string, subjects: readonly FilterSubject[]): number {
  const before = process.cpuUsage();
  let matched = 0;
  for (let i = 0; i < decisionsAPass; i++) {
    const outcome = matchFilter(parseFilter(filter), subjects[i % subjects.length] as FilterSubject);
    if (outcome.matched) matched += 1;
  }
  const { user, system } = process.cpuUsage(before);
  if (matched === 0 || matched === decisionsAPass) throw new Error(`"${filter}" decides the same for every trace`);
  return (decisionsAPass * 1e6) / (user + system);
}

/** Half of the traces match each condition, none of them the same half. */
function subject(i: number): FilterSubject {
  const has = (bit: number) => ((i >> bit) & 1) === 1;
  const totalCost = has(6) ? 0.000_569 : 0.000_05;
  const facts: TraceFacts = {
    requestTime: Date.UTC(2026, 10, 21, 12) + i,
    durationMs: has(1) ? 1_250 : 80,
    state: has(2) ? 'OK' : 'ERROR',
    name: has(3) ? 'invoke_agent support' : 'invoke_agent sales',
    userId: has(4) ? `user-${i}` : `guest-${i}`,
    tags: { environment: has(5) ? 'production' : 'staging', release: `1.${i}` },
    metadata: { 'service.name': has(7) ? 'support-agent' : 'batch' },
    tokens: { inputTokens: i * 2, outputTokens: 211, totalTokens: i * 2 + 211 },
    cost: { inputCost: totalCost / 2, outputCost: totalCost / 2, totalCost },
    models: ['gpt-5-mini'],
    spanCount: 5,
    errorCount: 0,
    toolCallCount: 2,
    toolErrorCount: 0,
    complete: true,
  };
  const traceId = `tr-${String(i).padStart(32, '0')}`;
  const assessments = [
    {
      assessmentId: `a-${String(i).padStart(32, '0')}`,
      traceId,
      experimentId: '0',
      name: 'safety',
      source: { type: 'LLM_JUDGE', id: 'safety' },
      createdAt: 0,
      updatedAt: 0,
      kind: 'feedback',
      value: has(0) ? 'yes' : 'no',
      metadata: {},
      valid: true,
    },
  ] as const;
  return { traceId, experimentId: '0', facts, spans: () => [], assessments: () => assessments };
}
