import { createHash, randomBytes } from 'node:crypto';
import type { TraceBlock } from '../../../shared/domain/ports.ts';
import type { BlockRef, TraceFacts, TraceInfo } from '../../../shared/domain/trace.ts';

/** On the first of June 2026, UTC. */
export const noon = Date.UTC(2026, 5, 1, 12);

/** `tr-` and 32 hex digits, each time others. */
export function aTraceId(): string {
  return `tr-${randomBytes(16).toString('hex')}`;
}

export function aBlockRef(text: string = randomBytes(8).toString('hex')): BlockRef {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return { hash, key: `segments/7/2026-06-01/${hash}`, offset: 1_000, length: 2_345 };
}

export function aTraceBlock(traceId: string, block: BlockRef = aBlockRef()): TraceBlock {
  return { traceId, block, arrivedAt: noon };
}

/** A complete trace of one block that nothing is due for, but for what the test is about. */
export function aTraceInfo({
  facts,
  ...given
}: Partial<Omit<TraceInfo, 'facts'>> & { facts?: Partial<TraceFacts> } = {}): TraceInfo {
  return {
    traceId: aTraceId(),
    experimentId: '7',
    blocks: [aBlockRef()],
    revision: 1,
    completeness: 'complete',
    lastArrivalAt: noon,
    ...given,
    facts: {
      requestTime: noon,
      durationMs: 1_250,
      state: 'OK',
      tags: {},
      metadata: {},
      models: [],
      spanCount: 5,
      errorCount: 0,
      toolCallCount: 0,
      toolErrorCount: 0,
      complete: true,
      ...facts,
    },
  };
}

/** What an agent's trace usually says, its previews as long as they get. */
export const typicalFacts = {
  name: 'invoke_agent support',
  requestPreview: 'q'.repeat(300),
  responsePreview: 'a'.repeat(300),
  userId: 'user-4711',
  tags: { environment: 'production' },
  metadata: { 'service.name': 'support-agent', 'service.version': '1.14.2' },
  tokens: { inputTokens: 1_432, outputTokens: 211, totalTokens: 1_643 },
  cost: { inputCost: 0.000_358, outputCost: 0.000_211, totalCost: 0.000_569 },
  models: ['gpt-5-mini'],
  toolCallCount: 2,
} as const satisfies Partial<TraceFacts>;
