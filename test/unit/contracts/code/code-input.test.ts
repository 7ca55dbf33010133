import { describe, expect, it } from 'vitest';
import { codeInput, tooLarge } from '../../../../shared/contracts/code/code-input.ts';
import { createCodeScorer } from '../../../../shared/contracts/code/code-scorers.ts';
import { aScorableSpan, aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';

describe('what code is told of a trace', () => {
  const trace = aScorableTrace({
    inputs: { q: 1 },
    facts: { tags: { env: 'prod' }, tokens: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } },
    spans: [
      aScorableSpan({
        span: {
          parentSpanId: '1111111111111111',
          attributes: {
            'input.value': '{"q": 1}',
            'mlflow.spanType': '"TOOL"',
            count: 5n,
            huge: 2n ** 60n,
            plain: '0042',
            bytes: new Uint8Array([1]),
          },
          status: { code: 'ERROR', message: 'no' },
        },
        facts: { type: 'TOOL', inputs: { text: '{"q": 1}', attribute: 'input.value' }, outputs: { text: '{broken' } },
      }),
    ],
  });
  const input = codeInput(trace);

  it('is inputs, outputs and expectations as JSON, null where there are none', () => {
    expect([input.inputs, input.outputs, input.expectations].map((text) => JSON.parse(text))).toEqual([
      { q: 1 },
      null,
      {},
    ]);
  });

  it("is MLflow's info, with times as numbers", () => {
    expect(JSON.parse(input.trace).info).toMatchObject({
      trace_id: trace.traceId,
      experiment_id: '0',
      state: 'OK',
      request_time: '2026-11-21T12:00:00.000Z',
      timestamp_ms: trace.facts.requestTime,
      execution_duration_ms: 250,
      tags: { env: 'prod' },
      trace_metadata: { 'mlflow.trace.tokenUsage': '{"input_tokens":1,"output_tokens":2,"total_tokens":3}' },
    });
  });

  it('is spans with their texts once, parsed where they are JSON', () => {
    expect(JSON.parse(input.trace).data.spans).toEqual([
      {
        span_id: '00f067aa0ba902b7',
        parent_id: '1111111111111111',
        name: 'answer',
        span_type: 'TOOL',
        status: { code: 'ERROR', message: 'no' },
        start_time_unix_nano: '1795262400000000000',
        end_time_unix_nano: '1795262400250000000',
        start_time_ms: 1795262400000,
        end_time_ms: 1795262400250,
        inputs: { q: 1 },
        outputs: '{broken',
        attributes: { 'mlflow.spanType': 'TOOL', count: 5, huge: '1152921504606846976', plain: '0042', bytes: 'AQ==' },
        events: [],
      },
    ]);
  });

  it('is made once for all scorers of the trace', () => {
    expect(codeInput(trace)).toBe(input);
  });

  it('has a time and a chance that follow from the trace', () => {
    expect(input.now).toBe(trace.facts.requestTime + 250);
    expect(codeInput({ ...trace }).seed).toBe(input.seed);
    expect(codeInput({ ...trace, traceId: 'tr-2' }).seed).not.toBe(input.seed);
  });
});

it('is an error for a trace that is larger than any sandbox takes, and nothing is run', async () => {
  const trace = aScorableTrace({ inputs: 'x'.repeat(5_000_000) });
  expect(tooLarge(codeInput(trace))).toMatch(/5\d{6} bytes/);
  const scorer = createCodeScorer({ language: 'javascript', source: '() => 1' }, () =>
    Promise.reject(new Error('was run')),
  );
  expect(await scorer.score(trace)).toEqual([
    { value: null, error: { code: 'SCORER_INPUT_TOO_LARGE', message: expect.stringMatching(/at most 4194304/) } },
  ]);
});
