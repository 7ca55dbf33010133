import { canonicalJson, isList, isRecord, type JsonRecord } from '../../json-value.ts';
import type { ScorableTrace } from '../../scorable-trace.ts';
import type { JsonValue } from '../../span.ts';
import { cannotJudge, oneQuestion, settled } from '../judge.ts';
import type { Section } from '../material.ts';
import { offeredTools, type ToolCall, toolCallLine, toolCalls } from '../reading/tools.ts';
import {
  type Asked,
  expectation,
  noExpectation,
  noInputs,
  numbered,
  ratingQuestion,
  requestSection,
  type TracePlanner,
} from './needs.ts';

export function toolCallEfficiency(asked: Asked): TracePlanner {
  const task = `Decide whether the agent went about its tools without waste in meeting the section "request".

The section "tool calls" lists its calls in order, with what came back; "offered tools" what it could have called. The result is "no" if a call repeats an earlier one with the same or practically the same arguments without a reason, fetches what was already known, could have been spared by one that did the work of several, or has no use for the request. Trying again after a failure, and checking what has changed meanwhile, are reasons. The result is "yes" otherwise. Whether the right answer came out is not asked.`;
  return (trace) => {
    const request = requestSection(trace);
    if (request === undefined) return noInputs();
    return oneQuestion(ratingQuestion(task, { material: [request, ...toolSections(trace)], asked }));
  };
}

export interface ToolCallCorrectnessOptions {
  readonly exactMatch: boolean;
  readonly considerOrdering: boolean;
}

/** Whether the right tools were called rightly: compared with what was expected, or judged by a model. */
export function toolCallCorrectness(options: ToolCallCorrectnessOptions, asked: Asked): TracePlanner {
  return (trace) => {
    const expected = expectedCalls(trace);
    if ('problem' in expected) return cannotJudge('INVALID_EXPECTATION', expected.problem);
    if (options.exactMatch)
      return expected.calls === undefined
        ? noExpectation('expected_tool_calls, without which there is nothing to match exactly')
        : settled(exactMatch(toolCalls(trace), { expected: expected.calls, ...options }));
    const request = requestSection(trace);
    if (request === undefined) return noInputs();
    const material = [request, ...toolSections(trace), ...expectedSection(expected.calls)];
    return oneQuestion(ratingQuestion(correctnessTask(expected.calls, options), { material, asked }));
  };
}

function toolSections(trace: ScorableTrace): readonly Section[] {
  const calls = toolCalls(trace).map(toolCallLine);
  const offered = offeredTools(trace);
  return [
    { title: 'tool calls', items: calls.length > 0 ? numbered(calls) : ['(no tool was called)'] },
    { title: 'offered tools', items: offered.length > 0 ? offered : ['(the trace does not say)'] },
  ];
}

function correctnessTask(
  expected: readonly ExpectedCall[] | undefined,
  { considerOrdering }: ToolCallCorrectnessOptions,
): string {
  const order = considerOrdering
    ? 'The order of the calls counts: a call that comes too early or too late is wrong.'
    : 'The order of the calls does not count.';
  return `Decide whether the agent called the right tools in the right way for the section "request".

The section "tool calls" lists its calls, "offered tools" what it could have called. ${comparison(expected)} ${order} Look at the choice of tools and at their arguments only: what the tools answered, and what the agent made of it, is not asked.`;
}

function comparison(expected: readonly ExpectedCall[] | undefined): string {
  if (expected === undefined)
    return 'The result is "yes" if each call serves the request, with arguments that fit the tool and come from the request or from what was learned before, and no tool that was plainly needed was left uncalled. It is "no" if a tool was called that does not fit, an argument is wrong or made up, or a needed call is missing.';
  if (includesArguments(expected))
    return 'The section "expected tool calls" says which calls are right. The result is "yes" if the same tools were called, none missing and none too many, with arguments that mean the same. It is "no" otherwise.';
  return 'The section "expected tool calls" names the tools that are right. The result is "yes" if these tools were called, none missing and none too many, with arguments that are reasonable for the request and fit the tools. It is "no" otherwise.';
}

interface ExpectedCall {
  readonly name: string;
  /** Undefined: any. */
  readonly arguments: JsonRecord | undefined;
}

/** The expectation `expected_tool_calls`: `[{"name": "search", "arguments": {"q": "x"}}]`. */
function expectedCalls(
  trace: ScorableTrace,
): { readonly calls: readonly ExpectedCall[] | undefined } | { readonly problem: string } {
  const value = expectation(trace, 'expected_tool_calls');
  if (value === undefined || (isList(value) && value.length === 0)) return { calls: undefined };
  if (!isList(value))
    return { problem: 'expected_tool_calls must be a list of calls, each with a name and maybe arguments' };
  const calls: ExpectedCall[] = [];
  for (const call of value) {
    const given = isRecord(call) ? (call.arguments ?? undefined) : undefined;
    if (!isRecord(call) || typeof call.name !== 'string' || (given !== undefined && !isRecord(given)))
      return {
        problem: `expected_tool_calls: each call must be an object with a name and maybe arguments, which are an object`,
      };
    calls.push({ name: call.name, arguments: given });
  }
  return { calls };
}

/** MLflow compares names alone as soon as one call is expected without arguments. */
function includesArguments(expected: readonly ExpectedCall[]): boolean {
  return expected.every((call) => call.arguments !== undefined);
}

function expectedSection(expected: readonly ExpectedCall[] | undefined): readonly Section[] {
  if (expected === undefined) return [];
  const withArguments = includesArguments(expected);
  const lines = expected.map((call) => (withArguments ? signature(call) : call.name));
  return [{ title: 'expected tool calls', items: numbered(lines) }];
}

function signature({ name, arguments: given }: { name: string; arguments: JsonValue | undefined }): string {
  return `${name}(${canonicalJson(given ?? {})})`;
}

function exactMatch(
  calls: readonly ToolCall[],
  { expected, considerOrdering }: { expected: readonly ExpectedCall[]; considerOrdering: boolean },
): { value: 'yes' | 'no'; rationale: string } {
  const nameOf = includesArguments(expected) ? signature : ({ name }: { name: string }) => name;
  const [actual, wanted] = [calls.map(nameOf), expected.map(nameOf)];
  if (actual.length !== wanted.length)
    return { value: 'no', rationale: `Expected ${wanted.length} tool call(s), got ${actual.length}.` };
  return considerOrdering ? matchInOrder(actual, wanted) : matchInAnyOrder(actual, wanted);
}

function matchInOrder(
  actual: readonly string[],
  wanted: readonly string[],
): { value: 'yes' | 'no'; rationale: string } {
  const wrong = wanted.flatMap((call, i) =>
    call === actual[i] ? [] : [`at ${i + 1}: expected ${call}, got ${actual[i]}`],
  );
  return wrong.length === 0
    ? { value: 'yes', rationale: 'All tool calls are the expected ones, in their order.' }
    : { value: 'no', rationale: `The tool calls differ ${wrong.join('; ')}.` };
}

/** As MLflow, by the set of the calls: how often each was made shows in their number only. */
function matchInAnyOrder(
  actual: readonly string[],
  wanted: readonly string[],
): { value: 'yes' | 'no'; rationale: string } {
  const [made, expected] = [new Set(actual), new Set(wanted)];
  const missing = [...expected].filter((call) => !made.has(call));
  const extra = [...made].filter((call) => !expected.has(call));
  if (missing.length === 0 && extra.length === 0)
    return { value: 'yes', rationale: 'All expected tool calls were made, in whatever order.' };
  const parts = [
    ...(missing.length > 0 ? [`Missing: ${missing.join(', ')}.`] : []),
    ...(extra.length > 0 ? [`Unexpected: ${extra.join(', ')}.`] : []),
  ];
  return { value: 'no', rationale: parts.join(' ') };
}
