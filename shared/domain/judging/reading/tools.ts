import { firstString, parseJson } from '../../facts/attribute-text.ts';
import { compactJson, isList, isRecord, jsonValue } from '../../json-value.ts';
import type { ScorableSpan, ScorableTrace } from '../../scorable-trace.ts';
import type { AttributeValue, JsonValue, Span } from '../../span.ts';

/** A call of a tool, as its span tells. */
export interface ToolCall {
  readonly spanId: string;
  readonly name: string;
  /** Undefined where the span has none. */
  readonly arguments: JsonValue | undefined;
  /** The same as the span has it, numbers with all their digits; empty where it has none. */
  readonly argumentsText: string;
  readonly result: string | undefined;
  readonly exception: string | undefined;
  readonly failed: boolean;
}

/** Google's ADK adds a span that repeats the calls that ran side by side. */
const mergedToolName = '(merged tools)';

/** The calls of tools in the order in which they began. */
export function toolCalls({ spans }: Pick<ScorableTrace, 'spans'>): readonly ToolCall[] {
  return spans.flatMap((span) => toolCallOf(span) ?? []);
}

export function toolCallOf({ span, facts }: ScorableSpan): ToolCall | undefined {
  if (facts.type !== 'TOOL' || facts.tool?.name === mergedToolName) return undefined;
  return {
    spanId: span.spanId,
    name: facts.tool?.name ?? span.name,
    arguments: facts.inputs && jsonValue(facts.inputs.text),
    argumentsText: compactJson(facts.inputs?.text ?? ''),
    result: facts.outputs && compactJson(facts.outputs.text),
    exception: exceptionOf(span),
    failed: facts.tool?.failed ?? span.status.code === 'ERROR',
  };
}

/** `ValueError: no such order`, else what the status says; undefined where nothing went wrong. */
export function exceptionOf({ events, status, attributes }: Span): string | undefined {
  const exception = events.find(({ name }) => name === 'exception');
  if (exception) {
    const { 'exception.type': type, 'exception.message': message } = exception.attributes;
    return [type, message].filter((text) => typeof text === 'string' && text !== '').join(': ') || 'exception';
  }
  return status.code === 'ERROR' ? status.message || (firstString(attributes, ['error.type']) ?? 'error') : undefined;
}

/** As a judge reads it: `search({"q":"x"}) → 3 hits`. */
export function toolCallLine({ name, argumentsText, ...call }: ToolCall): string {
  return `${name}(${argumentsText}) → ${toolOutcome(call)}`;
}

export function toolOutcome({ exception, result }: Pick<ToolCall, 'exception' | 'result'>): string {
  return [exception && `failed with ${exception}`, result].filter(Boolean).join(' → ') || '(no output)';
}

/** The tools that the models of a trace were offered, each once, as a judge reads them. */
export function offeredTools({ spans }: Pick<ScorableTrace, 'spans'>): readonly string[] {
  const lines = new Set<string>();
  for (const { span, facts } of spans) {
    for (const tool of definitionsIn(span, facts.inputs?.text)) {
      const line = toolLine(tool);
      if (line) lines.add(line);
    }
  }
  return [...lines];
}

function definitionsIn({ attributes }: Span, inputs: string | undefined): readonly JsonValue[] {
  const listed = ['mlflow.chat.tools', 'gen_ai.tool.definitions', 'llm.request.functions'].flatMap((key) =>
    asList(attributes[key]),
  );
  const flattened = Object.keys(attributes)
    .filter((key) => /^llm\.tools\.\d+\.tool\.json_schema$/.test(key))
    .map((key) => asJson(attributes[key]));
  const given = inputs?.includes('tools') && inputs.startsWith('{') ? parseJson(inputs) : undefined;
  const own = isRecord(given as JsonValue) ? (given as { tools?: JsonValue; config?: JsonValue }) : {};
  const config = isRecord(own.config) ? own.config : {};
  return [...listed, ...flattened, ...asList(own.tools), ...asList(config.tools)].flatMap(declarations);
}

/** Gemini groups its declarations. */
function declarations(tool: JsonValue): readonly JsonValue[] {
  if (!isRecord(tool)) return [];
  const grouped = tool.function_declarations ?? tool.functionDeclarations;
  return isList(grouped) ? grouped : [tool];
}

function asJson(value: AttributeValue | undefined): JsonValue {
  return typeof value === 'string' ? jsonValue(value) : ((value ?? null) as JsonValue);
}

function asList(value: AttributeValue | undefined): readonly JsonValue[] {
  const list = asJson(value);
  return isList(list) ? list : [];
}

/** `- search: Finds documents. Arguments: q (required, string): what to look for` */
function toolLine(tool: JsonValue): string | undefined {
  if (!isRecord(tool)) return undefined;
  const definition = isRecord(tool.function) ? tool.function : tool;
  if (typeof definition.name !== 'string') return undefined;
  const schema = definition.parameters ?? definition.input_schema ?? definition.parameters_json_schema;
  const about = typeof definition.description === 'string' ? `: ${definition.description.trim()}` : '';
  const parameters = parameterTexts(schema);
  return `- ${definition.name}${about}${parameters.length > 0 ? ` Arguments: ${parameters.join('; ')}` : ''}`;
}

function parameterTexts(schema: JsonValue | undefined): readonly string[] {
  if (!isRecord(schema) || !isRecord(schema.properties)) return [];
  const required = isList(schema.required) ? schema.required : [];
  return Object.entries(schema.properties).map(([name, property]) => {
    const { type, description } = isRecord(property) ? property : {};
    const traits = [required.includes(name) ? 'required' : 'optional', ...(typeof type === 'string' ? [type] : [])];
    return `${name} (${traits.join(', ')})${typeof description === 'string' ? `: ${description}` : ''}`;
  });
}
