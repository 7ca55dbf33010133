import { defaultSettings } from '../../../shared/domain/experiment.ts';
import type { Rules, ScorerRule } from '../../../shared/domain/rules.ts';
import type { ScorerVersion } from '../../../shared/domain/scorer.ts';
import { type JsonSpan, spanIdOf, traceIdOf } from '../../support/in-memory/bodies.ts';
import { InMemoryStack } from '../../support/in-memory/in-memory-stack.ts';

export function aRule(rule: Partial<ScorerRule> = {}): ScorerRule {
  return { name: 'length', version: 1, level: 'trace', sampleRate: 1, ...rule };
}

function someRules(scorers: readonly ScorerRule[] = [], settings: Partial<Rules['settings']> = {}): Rules {
  return { experimentId: '0', version: 3, scorers, settings: { ...defaultSettings, ...settings } };
}

/** A registered scorer: a heuristic, or what is given. */
export function aScorerVersion(
  name: string,
  kind: object = { assay_heuristic: { type: 'error_free' } },
): ScorerVersion {
  const serialized = JSON.stringify({ name, serialization_version: 1, ...kind });
  return { experimentId: '0', name, version: 1, scorerId: `id-of-${name}`, serialized, createdAt: 0 };
}

export function aStack(scorers: readonly ScorerRule[] = [], settings: Partial<Rules['settings']> = {}): InMemoryStack {
  const versions = scorers.map(({ name }) => aScorerVersion(name));
  return new InMemoryStack({ rules: someRules(scorers, settings), scorers: versions });
}

/** A root and two children of trace number `n`. */
export function aTrace(n: number): readonly [JsonSpan, JsonSpan, JsonSpan] {
  const traceId = traceIdOf(n);
  const root = {
    traceId,
    spanId: spanIdOf(0),
    name: 'agent',
    start: n,
    end: n + 3,
    attributes: { 'session.id': `s${n}` },
  };
  const child = { traceId, parentSpanId: spanIdOf(0), start: n + 1, end: n + 2 };
  return [
    root,
    {
      ...child,
      spanId: spanIdOf(1),
      name: 'chat',
      attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.output_tokens': 2 },
    },
    {
      ...child,
      spanId: spanIdOf(2),
      name: 'tool',
      status: { code: 2, message: 'no' },
      attributes: { 'gen_ai.operation.name': 'execute_tool' },
    },
  ];
}

export function idOf(n: number): string {
  return `tr-${traceIdOf(n)}`;
}
