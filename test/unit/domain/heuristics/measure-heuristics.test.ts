import { describe, expect, test } from 'vitest';
import { createHeuristic } from '../../../../shared/domain/heuristics/create-heuristic.ts';
import type { HeuristicDefinition } from '../../../../shared/domain/heuristics/definition.ts';
import type { ScorableTrace } from '../../../../shared/domain/scorable-trace.ts';
import { aScorableSpan, aScorableTrace, aToolCall } from '../../../support/builders/a-scorable-trace.ts';

function judge(definition: HeuristicDefinition, trace: ScorableTrace) {
  return createHeuristic(definition)(trace);
}

describe('latency', () => {
  test.each([
    [2000, 'yes', 'The trace took 2,000 ms, within the limit of 2,000 ms.'],
    [2001, 'no', 'The trace took 2,001 ms, over the limit of 2,000 ms.'],
  ])('of %d ms against 2,000 ms is %s', (durationMs, value, rationale) => {
    expect(judge({ type: 'latency', maxMs: 2000 }, aScorableTrace({ facts: { durationMs } }))).toEqual({
      value,
      rationale,
    });
  });

  test('without a limit is the number of ms', () => {
    expect(judge({ type: 'latency' }, aScorableTrace({ facts: { durationMs: 12 } }))).toEqual({
      value: 12,
      rationale: 'The trace took 12 ms.',
    });
  });

  test('of a trace without an ended root is an error', () => {
    expect(judge({ type: 'latency' }, aScorableTrace({ facts: { state: 'IN_PROGRESS' } }))).toMatchObject({
      value: null,
      error: { code: 'TRACE_INCOMPLETE' },
    });
  });
});

describe('tokens', () => {
  const trace = aScorableTrace({ facts: { tokens: { inputTokens: 900, outputTokens: 101, totalTokens: 1001 } } });

  test.each([
    ['total', 'no', 'The trace used 1,001 tokens, over the limit of 1,000.'],
    ['input', 'yes', 'The trace used 900 input tokens, within the limit of 1,000.'],
    ['output', 'yes', 'The trace used 101 output tokens, within the limit of 1,000.'],
  ] as const)('counts %s', (count, value, rationale) => {
    expect(judge({ type: 'tokens', maxTokens: 1000, count }, trace)).toEqual({ value, rationale });
  });

  test('without a limit is their number', () => {
    expect(judge({ type: 'tokens', count: 'output' }, trace)).toEqual({
      value: 101,
      rationale: 'The trace used 101 output tokens.',
    });
  });

  test('of a trace that does not say is an error', () => {
    expect(judge({ type: 'tokens', count: 'total' }, aScorableTrace())).toMatchObject({
      value: null,
      error: { code: 'NO_TOKENS' },
    });
  });
});

describe('cost', () => {
  const trace = aScorableTrace({
    facts: { cost: { inputCost: 0.000_1, outputCost: 0.000_012, totalCost: 0.000_112 } },
  });

  test.each([
    [0.0002, 'yes', 'The trace cost $0.000112, within the limit of $0.0002.'],
    [0.0001, 'no', 'The trace cost $0.000112, over the limit of $0.0001.'],
    [undefined, 0.000_112, 'The trace cost $0.000112.'],
  ])('against %d is %s', (maxUsd, value, rationale) => {
    expect(judge({ type: 'cost', maxUsd }, trace)).toEqual({ value, rationale });
  });

  test('that is not known is an error', () => {
    expect(judge({ type: 'cost' }, aScorableTrace())).toMatchObject({ value: null, error: { code: 'NO_COST' } });
  });
});

describe('tool call success', () => {
  const spans = [
    aScorableSpan(),
    aToolCall('search'),
    aToolCall('book', { failed: true }),
    aToolCall('book', { failed: true }),
    aToolCall('pay', { failed: true }),
  ];
  const rationale = '3 of 4 tool calls failed: book (2), pay.';

  test('is no where any failed, and names them', () => {
    expect(judge({ type: 'tool_call_success', measure: 'verdict' }, aScorableTrace({ spans }))).toEqual({
      value: 'no',
      rationale,
    });
  });

  test('is the share that succeeded', () => {
    expect(judge({ type: 'tool_call_success', measure: 'share' }, aScorableTrace({ spans }))).toEqual({
      value: 0.25,
      rationale,
    });
  });

  test.each([
    [[aToolCall('a')], 'The only tool call succeeded.'],
    [[aToolCall('a'), aToolCall('b')], 'All 2 tool calls succeeded.'],
  ])('is yes where none failed', (calls, found) => {
    expect(judge({ type: 'tool_call_success', measure: 'verdict' }, aScorableTrace({ spans: calls }))).toEqual({
      value: 'yes',
      rationale: found,
    });
  });

  test('of a trace that calls no tools is an error', () => {
    expect(judge({ type: 'tool_call_success', measure: 'share' }, aScorableTrace())).toMatchObject({
      value: null,
      error: { code: 'NO_TOOL_CALLS' },
    });
  });
});

describe('error-free', () => {
  test('is yes without errors', () => {
    expect(judge({ type: 'error_free' }, aScorableTrace())).toEqual({
      value: 'yes',
      rationale: 'No span ended with an error.',
    });
  });

  test('is no where a span failed, with its message on one line', () => {
    const failed = aScorableSpan({ span: { name: 'llm', status: { code: 'ERROR', message: 'rate\nlimit' } } });
    expect(judge({ type: 'error_free' }, aScorableTrace({ spans: [aScorableSpan(), failed] }))).toEqual({
      value: 'no',
      rationale: '1 span ended with an error: llm ("rate limit").',
    });
  });

  test('names spans that failed alike once', () => {
    const failed = aScorableSpan({ span: { name: 'llm', status: { code: 'ERROR', message: '' } } });
    const { rationale } = judge({ type: 'error_free' }, aScorableTrace({ spans: [failed, failed] }));
    expect(rationale).toBe('2 spans ended with an error: llm (2).');
  });

  test('is no where the trace failed though no span says so', () => {
    expect(judge({ type: 'error_free' }, aScorableTrace({ facts: { state: 'ERROR' } }))).toEqual({
      value: 'no',
      rationale: 'The trace ended with an error.',
    });
  });
});
