import { jsonText } from '../../facts/attribute-text.ts';
import { rootOf } from '../../facts/derive-trace-facts.ts';
import { isList, isRecord, type JsonRecord } from '../../json-value.ts';
import { compileLinearRegex, InvalidPatternError } from '../../linear-regex.ts';
import type { ScorableSpan, ScorableTrace } from '../../scorable-trace.ts';
import type { Attributes, JsonValue } from '../../span.ts';
import { beginningOf, placeToCut } from '../../whole-characters.ts';
import type { JsonSchemaObject, JudgeTool, JudgeToolCall } from '../judge-model.ts';

/** Tools that answer about one trace, with MLflow's names and arguments (mlflow/genai/judges/tools, 3.18). */
export interface TraceTools {
  readonly definitions: readonly JudgeTool[];
  run(call: JudgeToolCall): string;
}

const pageToken = { type: 'string', description: 'where the last answer ended, to read on' };
const attributeNames = {
  type: 'array',
  items: { type: 'string' },
  description: 'names of the attributes that are wanted; all of them without it',
};

function parameters(properties: JsonRecord = {}, required: readonly string[] = []): JsonSchemaObject {
  return { type: 'object', properties, required, additionalProperties: false };
}

const definitions: readonly JudgeTool[] = [
  {
    name: 'get_trace_info',
    description: 'What is known of the trace as a whole: state, time, duration, tokens, tags, errors.',
    parameters: parameters(),
  },
  {
    name: 'list_spans',
    description:
      'The spans of the trace in the order of time: id, name, type, parent, status, duration, names of attributes.',
    parameters: parameters({
      max_results: { type: 'integer', description: 'spans in one answer, 100 without it' },
      page_token: pageToken,
    }),
  },
  {
    name: 'get_root_span',
    description: 'The outermost span, whole: what the application was given and what it answered.',
    parameters: parameters({ attributes_to_fetch: attributeNames, page_token: pageToken }),
  },
  {
    name: 'get_span',
    description: 'One span, whole: attributes with inputs and outputs, events, times, status.',
    parameters: parameters(
      {
        span_id: { type: 'string', description: 'as list_spans tells it' },
        attributes_to_fetch: attributeNames,
        page_token: pageToken,
      },
      ['span_id'],
    ),
  },
  {
    name: 'search_trace_regex',
    description:
      'Finds a regular expression (RE2, in any case of letters) anywhere in the spans, and shows the text around.',
    parameters: parameters(
      {
        pattern: { type: 'string', description: 'for instance error.*timeout' },
        max_matches: { type: 'integer', description: '50 without it' },
        surrounding_content_length: { type: 'integer', description: 'characters on each side, 100 without it' },
      },
      ['pattern'],
    ),
  },
];

/** Characters of an answer that are a token at least. */
const charactersPerToken = 2;

/** @param options.resultTokens what one answer may hold; longer ones come in pages */
export function traceTools(trace: ScorableTrace, { resultTokens }: { resultTokens: number }): TraceTools {
  const maxLength = Math.max(1_000, resultTokens * charactersPerToken);
  return { definitions, run: (call) => answer(call, { trace, maxLength }) };
}

interface Subject {
  readonly trace: ScorableTrace;
  readonly maxLength: number;
}

function answer({ name, arguments: given }: JudgeToolCall, subject: Subject): string {
  const args = isRecord(given) ? given : {};
  switch (name) {
    case 'get_trace_info':
      return page(traceInfo(subject.trace), args, subject);
    case 'list_spans':
      return listSpans(args, subject);
    case 'get_root_span':
      return spanText(rootOf(subject.trace.spans), args, subject);
    case 'get_span':
      return spanText(
        subject.trace.spans.find(({ span }) => span.spanId === args.span_id),
        args,
        subject,
      );
    case 'search_trace_regex':
      return search(args, subject);
    default:
      return `error: there is no tool ${beginningOf(name, 100)}, there are ${definitions.map((tool) => tool.name).join(', ')}`;
  }
}

function traceInfo({ traceId, facts, expectations }: ScorableTrace): string {
  return jsonText({
    trace_id: traceId,
    ...definedMembers({ ...facts }),
    expectation_names: Object.keys(expectations),
  } as Attributes);
}

function definedMembers(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}

function listSpans(args: JsonRecord, { trace, maxLength }: Subject): string {
  const from = position(args.page_token);
  const lines: string[] = [];
  let length = 0;
  let next = from;
  for (const span of trace.spans.slice(from, from + count(args.max_results, 100))) {
    const line = spanLine(span);
    if (length + line.length > maxLength && lines.length > 0) break;
    lines.push(line);
    length += line.length;
    next++;
  }
  const more = next < trace.spans.length ? `\n(${trace.spans.length - next} more: page_token "${next}")` : '';
  return `${lines.join('\n')}${more}`;
}

function spanLine({ span, facts }: ScorableSpan): string {
  return jsonText({
    span_id: span.spanId,
    name: beginningOf(span.name, 200),
    type: facts.type,
    parent_id: span.parentSpanId ?? null,
    status: span.status.code,
    duration_ms: milliseconds(span.endTimeUnixNano - span.startTimeUnixNano),
    attribute_names: Object.keys(span.attributes).slice(0, 50),
  });
}

function milliseconds(nanoseconds: bigint): number {
  return nanoseconds > 0n ? Number(nanoseconds / 1_000n) / 1_000 : 0;
}

function spanText(found: ScorableSpan | undefined, args: JsonRecord, subject: Subject): string {
  if (found === undefined) return 'error: there is no such span, list_spans tells which there are';
  const { span, facts } = found;
  const wanted = isList(args.attributes_to_fetch) ? new Set(args.attributes_to_fetch) : undefined;
  const attributes = Object.fromEntries(Object.entries(span.attributes).filter(([name]) => wanted?.has(name) ?? true));
  const text = jsonText({
    span_id: span.spanId,
    name: span.name,
    type: facts.type,
    parent_id: span.parentSpanId ?? null,
    status: { ...span.status },
    duration_ms: milliseconds(span.endTimeUnixNano - span.startTimeUnixNano),
    attributes,
    events: span.events.map((event) => ({ name: event.name, attributes: event.attributes })),
  });
  return page(text, args, subject);
}

function page(text: string, args: JsonRecord, { maxLength }: Subject): string {
  const from = placeToCut(text, position(args.page_token));
  const end = placeToCut(text, from + maxLength);
  const more = end < text.length ? `\n(${text.length - end} more characters: page_token "${end}")` : '';
  return `${text.slice(from, end)}${more}`;
}

function search(args: JsonRecord, { trace, maxLength }: Subject): string {
  if (typeof args.pattern !== 'string' || args.pattern === '') return 'error: pattern must be a regular expression';
  try {
    const matches = matchesIn(trace, args);
    const lines: string[] = [];
    let length = 0;
    for (const line of matches) {
      length += line.length;
      if (length > maxLength) break;
      lines.push(line);
    }
    return lines.length > 0 ? lines.join('\n') : 'no match';
  } catch (error) {
    if (error instanceof InvalidPatternError) return `error: ${error.message}`;
    throw error;
  }
}

/** Every match with the span it is in. A span is searched as its JSON text. */
function* matchesIn({ spans }: ScorableTrace, args: JsonRecord): Generator<string> {
  const regex = compileLinearRegex(String(args.pattern), { ignoreCase: true });
  const around = Math.min(count(args.surrounding_content_length, 100), 2_000);
  let left = count(args.max_matches, 50);
  for (const { span } of spans) {
    const text = jsonText({
      name: span.name,
      status: { ...span.status },
      attributes: span.attributes,
      events: span.events.map((event) => ({ name: event.name, attributes: event.attributes })),
    });
    const matcher = regex.matcher(text);
    while (left > 0 && matcher.find()) {
      left--;
      const shown = text.slice(
        placeToCut(text, Math.max(0, matcher.start() - around)),
        placeToCut(text, matcher.end() + around),
      );
      yield `span ${span.spanId}: …${shown}…`;
    }
    if (left <= 0) return;
  }
}

function position(token: JsonValue | undefined): number {
  const value = Number(token ?? 0);
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function count(value: JsonValue | undefined, otherwise: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : otherwise;
}
