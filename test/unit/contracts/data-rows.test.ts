import { describe, expect, it } from 'vitest';
import { builtinJudge, heuristic, instructions, type ScorerDefinition } from '../../../sdk/index.ts';
import { InvalidRowError } from '../../../shared/contracts/data-rows/invalid-row-error.ts';
import { parseRow } from '../../../shared/contracts/data-rows/parse-row.ts';
import { inMlflowsDialect } from '../../../shared/contracts/mlflow-dialect.ts';
import { mlflowTraceInfo } from '../../../shared/contracts/mlflow-entities.ts';
import { mlflowSpans } from '../../../shared/contracts/mlflow-span.ts';
import { decodeTracesData } from '../../../shared/contracts/otlp/decode-spans.ts';
import { otlpJsonToProtobuf } from '../../../shared/contracts/otlp/from-json.ts';
import { createScorer } from '../../../shared/contracts/serialized-scorer.ts';
import type { ScorableTrace } from '../../../shared/domain/scorable-trace.ts';
import type { Runnable } from '../../../shared/domain/scorer.ts';
import { aScorableTrace } from '../../support/builders/a-scorable-trace.ts';
import { anAssessment } from '../../support/builders/an-assessment.ts';
import { aJudgeModel, aVerdict } from '../../support/judging/a-judge-model.ts';
import { judgeOnce } from '../../support/judging/judge-once.ts';
import { hasSharedData, type OtlpRequest, sharedRequests, spansOf } from '../../support/shared-data.ts';

const parse = (row: unknown) =>
  parseRow(typeof row === 'string' ? row : JSON.stringify(row), { now: 1_795_262_400_000 });
const b64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const [traceId, rootId, toolId] = ['ab'.repeat(16), '11'.repeat(8), '22'.repeat(8)];

/** A trace in OTLP/JSON: an agent that calls a tool. */
const request = {
  resourceSpans: [
    {
      resource: {},
      scopeSpans: [
        {
          spans: [
            {
              ...{ traceId, spanId: rootId, name: 'agent', status: { code: 1 } },
              ...{ startTimeUnixNano: '1795223374621428728', endTimeUnixNano: '1795223375621428728' },
              attributes: texts({
                'mlflow.spanType': '"AGENT"',
                'mlflow.spanInputs': '{"question": "What is 2^60?"}',
                'mlflow.spanOutputs': '"1152921504606846976"',
              }),
            },
            {
              ...{ traceId, spanId: toolId, parentSpanId: rootId, name: 'calculator' },
              ...{ startTimeUnixNano: '1795223374721428728', endTimeUnixNano: '1795223374821428728' },
              attributes: texts({ 'mlflow.spanType': '"TOOL"', 'mlflow.spanOutputs': '{"error": "overflow"}' }),
              events: [{ name: 'exception', timeUnixNano: '1795223374801428728', attributes: texts({ kind: 'x' }) }],
              status: { code: 2, message: 'overflow' },
            },
          ],
        },
      ],
    },
  ],
} satisfies OtlpRequest;

function texts(attributes: Readonly<Record<string, string>>) {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** As `Span.to_dict` writes it. */
const written = spansOf(request).map(({ attributes = [], events = [], ...span }) => ({
  ...{ trace_id: b64(span.traceId), span_id: b64(span.spanId), name: span.name },
  parent_span_id: span.parentSpanId ? b64(span.parentSpanId) : null,
  start_time_unix_nano: `START${span.startTimeUnixNano}`,
  end_time_unix_nano: `START${span.endTimeUnixNano}`,
  attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue])),
  events: events.map(({ name, timeUnixNano }) => ({ name, time_unix_nano: timeUnixNano, attributes: { kind: 'x' } })),
  status: {
    code: ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'][span.status?.code ?? 0],
    message: span.status?.message ?? '',
  },
}));
const info = {
  ...{ trace_id: `tr-${traceId}`, request_time: '2026-11-21T01:09:34.621Z', execution_duration_ms: 1_000, state: 'OK' },
  ...{ trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '7' } } },
  tags: { team: 'support' },
  trace_metadata: { 'mlflow.trace.session': 's-1' },
  assessments: [
    { assessment_name: 'tone', feedback: { value: 'kind' } },
    { assessment_name: 'answer', source: { source_type: 'HUMAN' }, expectation: { value: '2^60' } },
    {
      assessment_name: 'facts',
      expectation: { serialized_value: { serialization_format: 'JSON_FORMAT', value: '["a"]' } },
    },
  ],
};
/** MLflow's JSON has its times as numbers that JavaScript cannot hold. */
const toDict = JSON.stringify({ info, data: { spans: written } }).replaceAll(/"START(\d+)"/g, '$1');

describe('a row', () => {
  it('of inputs and outputs is a trace of one span that has not ended', () => {
    const trace = parse({ inputs: { question: 'Why?' }, outputs: 'Because.', expectations: { answer: 'So.' } });
    expect(trace).toMatchObject({
      inputs: { question: 'Why?' },
      outputs: 'Because.',
      expectations: { answer: 'So.' },
      facts: { requestTime: 1_795_262_400_000, state: 'IN_PROGRESS', spanCount: 1 },
    });
    expect(trace.spans[0]?.facts).toMatchObject({ outputs: { text: '"Because."' } });
  });

  it('without outputs has none, and the same row is always the same trace', () => {
    const row = { inputs: 'Why?', outputs: null };
    expect(parse(row)).not.toHaveProperty('outputs');
    expect(parse(row).traceId).toBe(parse(row).traceId);
    expect(parse(row).traceId).not.toBe(parse({ inputs: 'Who?' }).traceId);
    expect(parse(row).traceId).toMatch(/^tr-[0-9a-f]{32}$/);
  });

  it('keeps numbers that are too large as JSON has them', () => {
    expect(parse('{"inputs": {"order": 12345678901234567890}}').inputs).toEqual({ order: 12345678901234567000 });
  });

  it('says more than its trace, which says the rest', () => {
    const trace = parse({ outputs: 'other', expectations: { more: 1 }, trace: toDict });
    expect([trace.inputs, trace.outputs]).toEqual([{ question: 'What is 2^60?' }, 'other']);
    expect(trace.expectations).toEqual({ answer: '2^60', facts: ['a'], more: 1 });
    expect([trace.traceId, trace.spans.length]).toEqual([`tr-${traceId}`, 2]);
  });

  it.each([
    ['as MLflow writes it', toDict],
    ['as a text in a row', { trace: toDict }],
    ['in a row', `{"trace": ${toDict}}`],
    [
      'as the REST API answers it',
      {
        trace_info: { ...info, execution_duration: '1s' },
        spans: mlflowSpans(otlpJsonToProtobuf(JSON.stringify(request)).body),
      },
    ],
    ['as an OTLP request', request],
  ])('that holds a whole trace, %s, has its spans to the nanosecond', (_, row) => {
    const trace = parse(row);
    expect(trace.spans.map(({ span }) => [span.name, span.spanId, span.parentSpanId, span.startTimeUnixNano])).toEqual([
      ['agent', rootId, undefined, 1795223374621428728n],
      ['calculator', toolId, rootId, 1795223374721428728n],
    ]);
    expect(trace.spans[1]?.span).toMatchObject({
      status: { code: 'ERROR', message: 'overflow' },
      events: [{ name: 'exception' }],
    });
    expect(trace.facts).toMatchObject({ durationMs: 1_000, state: 'OK', toolCallCount: 1, toolErrorCount: 1 });
    expect(trace.outputs).toBe('1152921504606846976');
  });

  it('knows what was said of its trace beside the spans', () => {
    const { facts } = parse(toDict);
    expect(facts).toMatchObject({ tags: { team: 'support' }, metadata: { 'mlflow.trace.session': 's-1' } });
  });

  it.each([
    ['nonsense', /^it is not JSON: /],
    ['[1]', /^it is no JSON object/],
    ['{"question": "?"}', /^it has none of inputs, outputs and trace/],
    ['{"inputs": 1, "expectations": ["a"]}', /expectations are no object/],
    ['{"trace": {"id": 1}}', /its trace is none/],
    ['{"trace": "{"}', /not JSON/],
    ['{"spans": []}', /spans of 0 traces/],
    ['{"spans": [{"context": {}}]}', /MLflow 2/],
    ['{"spans": [{"name": "x"}]}', /span of its trace cannot be read: .*trace id/],
    [JSON.stringify({ info: { ...info, state: 'GREAT' }, data: { spans: written } }).replaceAll('START', ''), /state/],
  ])('%s is refused with the reason', (text, message) => {
    expect(() => parse(text)).toThrow(InvalidRowError);
    expect(() => parse(text)).toThrow(message);
  });
});

describe('a trace in a data set', () => {
  const definitions: readonly ScorerDefinition[] = [
    ...['Safety', 'RelevanceToQuery', 'RetrievalGroundedness', 'ToolCallEfficiency', 'Correctness'].map((name) =>
      builtinJudge(name),
    ),
    instructions('Was {{ outputs }} good for {{ inputs }}, by {{ trace }}?', { result: 'boolean' }),
    ...['error_free', 'tool_call_success', 'pii', 'latency', 'tokens'].map((type) => heuristic(type)),
  ];
  const scorers = definitions.map((definition) => createScorer({ serialized: definition.serialize('mine') }));

  /** What a scorer finds, and everything that its judge is asked. */
  async function judged(scorer: Runnable, trace: ScorableTrace) {
    if ('score' in scorer) return scorer.score(trace);
    if ('unsupported' in scorer) throw new Error(scorer.unsupported);
    const model = aJudgeModel([aVerdict('yes'), aVerdict('no')]);
    const results = await judgeOnce(scorer.judge, { traces: [trace], model });
    return { results, asked: model.requests };
  }

  /** The trace of a stored request as the API answers it. */
  function answered(otlp: OtlpRequest): object {
    const { body } = otlpJsonToProtobuf(JSON.stringify(otlp));
    const stored = parse(otlp);
    const expectation = anAssessment({ kind: 'expectation', name: 'expected_response', value: 'yes' });
    return {
      trace_info: mlflowTraceInfo(stored, [expectation]),
      spans: inMlflowsDialect(mlflowSpans(body), () => decodeTracesData(body)),
    };
  }

  const isOfOneTrace = (one: OtlpRequest) => new Set(spansOf(one).map((span) => span.traceId)).size === 1;
  const requests = [
    ['of ours', request],
    ...(hasSharedData
      ? sharedRequests().flatMap(({ file, requests: all }) =>
          all
            .filter(isOfOneTrace)
            .slice(0, 2)
            .map((one) => [file, one] as const),
        )
      : []),
  ] as const;

  it.each(requests)('that the API answered, %s, is judged as it is judged where it is stored', async (_, otlp) => {
    const [stored, row] = [parse(otlp), parse(answered(otlp))];
    const expected = { ...stored, expectations: { expected_response: 'yes' } };
    for (const scorer of scorers) expect(await judged(scorer, row)).toEqual(await judged(scorer, expected));
  });

  it('is not judged alike where it differs', async () => {
    const [scorer] = scorers as [Runnable];
    expect(await judged(scorer, aScorableTrace({ outputs: 'a' }))).not.toEqual(
      await judged(scorer, aScorableTrace({ outputs: 'b' })),
    );
  });
});
