import { expect, it } from 'vitest';
import { otlpTraceCodec } from '../../../shared/adapters/otlp-trace-codec.ts';
import { inMlflowsDialect } from '../../../shared/contracts/mlflow-dialect.ts';
import { mlflowSpans } from '../../../shared/contracts/mlflow-span.ts';
import { otlpJsonToProtobuf } from '../../../shared/contracts/otlp/from-json.ts';
import { exportRequest, type JsonSpan, spanIdOf, traceIdOf } from '../../support/in-memory/bodies.ts';

function read(spans: readonly JsonSpan[]) {
  const { body } = otlpJsonToProtobuf(JSON.stringify(exportRequest(spans)));
  let decoded = 0;
  const translated = inMlflowsDialect(mlflowSpans(body), () => {
    decoded++;
    return otlpTraceCodec.decode(body);
  });
  return {
    decoded,
    spans: translated.map((span) => valuesOf(span.attributes as readonly { key: string; value: unknown }[])),
  };
}

function valuesOf(attributes: readonly { key: string; value: unknown }[]) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
}

const chat: JsonSpan = {
  traceId: traceIdOf(1),
  spanId: spanIdOf(1),
  name: 'chat',
  start: 0,
  end: 1,
  attributes: {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-5-mini',
    'gen_ai.usage.input_tokens': 7,
    'gen_ai.usage.output_tokens': 2,
    'input.value': '{"question":"why?"}',
    'output.value': 'because',
  },
};

it('says of spans of other instrumentations what the client looks for under its own names', () => {
  const { spans } = read([chat]);
  expect(spans[0]).toMatchObject({
    'mlflow.spanType': { string_value: 'CHAT_MODEL' },
    'mlflow.spanInputs': { kvlist_value: { values: [{ key: 'question', value: { string_value: 'why?' } }] } },
    'mlflow.spanOutputs': { string_value: 'because' },
    'mlflow.llm.model': { string_value: 'gpt-5-mini' },
    'mlflow.chat.tokenUsage': {
      kvlist_value: {
        values: [
          { key: 'input_tokens', value: { int_value: '7' } },
          { key: 'output_tokens', value: { int_value: '2' } },
          { key: 'total_tokens', value: { int_value: '9' } },
        ],
      },
    },
    'gen_ai.operation.name': { string_value: 'chat' },
  });
});

it("leaves MLflow's own spans as they are, and does not decode them", () => {
  const own = { ...chat, attributes: { 'mlflow.spanType': '"TOOL"', 'input.value': 'x' } };
  const { spans, decoded } = read([own]);
  expect(decoded).toBe(0);
  expect(spans[0]).toEqual({ 'mlflow.spanType': { string_value: 'TOOL' }, 'input.value': { string_value: 'x' } });
});

it('leaves what a span says itself', () => {
  const { spans } = read([{ ...chat, attributes: { ...chat.attributes, 'mlflow.spanInputs': '"mine"' } }]);
  expect(spans[0]?.['mlflow.spanInputs']).toEqual({ string_value: 'mine' });
});
