import { deriveSpanFacts } from '../domain/facts/derive-span-facts.ts';
import type { DecodedSpan } from '../domain/ports.ts';
import type { SpanFacts } from '../domain/span-facts.ts';
import { type AnyValue, anyValueOf, type MlflowSpan, textValueOf } from './mlflow-span.ts';

type Attribute = { readonly key: string; readonly value: AnyValue };

/**
 * The spans with what MLflow's client looks for under its own names: type, inputs, outputs, model, tokens. Spans of other instrumentations
 * say these in their dialects; MLflow's server translates them, too (mlflow/tracing/otel/translation). What a span says itself stays.
 * @param decode answers the same spans decoded; asked only where one of them is not MLflow's own
 */
export function inMlflowsDialect(
  spans: readonly MlflowSpan[],
  decode: () => readonly DecodedSpan[],
): readonly MlflowSpan[] {
  if (spans.every((span) => has(span, 'mlflow.spanType'))) return spans;
  const decoded = new Map(decode().map(({ span }) => [Buffer.from(span.spanId, 'hex').toString('base64'), span]));
  return spans.map((span) => {
    const own = decoded.get(String(span.span_id));
    if (own === undefined || has(span, 'mlflow.spanType')) return span;
    const added = attributesOf(deriveSpanFacts(own)).filter(({ key }) => !has(span, key));
    return { ...span, attributes: [...attributes(span), ...added] };
  });
}

function attributes(span: MlflowSpan): readonly Attribute[] {
  return span.attributes as readonly Attribute[];
}

function has(span: MlflowSpan, name: string): boolean {
  return attributes(span).some(({ key }) => key === name);
}

function attributesOf({ type, inputs, outputs, model, provider, tokens }: SpanFacts): readonly Attribute[] {
  const usage = tokens && {
    input_tokens: tokens.inputTokens,
    output_tokens: tokens.outputTokens,
    total_tokens: tokens.totalTokens,
  };
  const found: readonly (readonly [string, AnyValue | undefined])[] = [
    ['mlflow.spanType', { string_value: type }],
    ['mlflow.spanInputs', inputs && textValueOf(inputs.text)],
    ['mlflow.spanOutputs', outputs && textValueOf(outputs.text)],
    ['mlflow.llm.model', model === undefined ? undefined : { string_value: model }],
    ['mlflow.llm.provider', provider === undefined ? undefined : { string_value: provider }],
    ['mlflow.chat.tokenUsage', usage && anyValueOf(usage)],
  ];
  return found.flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]));
}
