import type { Span } from '../span.ts';
import type { SpanFacts, SpanText, SpanType, ToolFacts } from '../span-facts.ts';
import { keys } from './attribute-keys.ts';
import { firstString } from './attribute-text.ts';
import { modelCost } from './model-price.ts';
import { spanInputs, spanOutputs } from './span-texts.ts';
import { spanType } from './span-type.ts';
import { reportedCost, spanTokens } from './span-usage.ts';

/**
 * What a span says, in whatever dialect it speaks. One that speaks none is of type UNKNOWN and keeps its attributes.
 * Large texts are taken as they are and never parsed: this runs for every span that arrives.
 */
export function deriveSpanFacts(span: Span): SpanFacts {
  const { attributes } = span;
  const type = spanType(attributes);
  const [inputs, outputs] = [spanInputs(span), spanOutputs(span)];
  const model = firstString(attributes, keys.model);
  const tokens = spanTokens(attributes);
  const tool = type === 'TOOL' ? toolFacts(span, outputs) : undefined;
  const cost = reportedCost(attributes) ?? (model !== undefined && tokens ? modelCost(model, tokens) : undefined);
  return defined({
    type,
    inputs,
    outputs,
    model,
    provider: firstString(attributes, keys.provider),
    tokens,
    cost,
    tool,
    sessionId: firstString(attributes, keys.session),
    userId: firstString(attributes, keys.user),
  });
}

function toolFacts(span: Span, outputs: SpanText | undefined): ToolFacts {
  const name = firstString(span.attributes, keys.toolName) ?? span.name;
  const hasException = span.events.some((event) => event.name === 'exception');
  return { name, failed: span.status.code === 'ERROR' || hasException || saysError(outputs?.text) };
}

/** Frameworks hand a failed call to the model as its result, with a status of OK: the text begins with what went wrong. */
function saysError(text: string | undefined): boolean {
  return (
    text !== undefined &&
    /^\s*"?(?:error\b|exception\b|traceback\b|\{\s*"(?:error|exception)"\s*:(?!\s*(?:null|false|"")))/i.test(
      text.slice(0, 80),
    )
  );
}

function defined<T extends { readonly type: SpanType }>(facts: T): SpanFacts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as unknown as SpanFacts;
}
