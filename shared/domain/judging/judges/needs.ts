import { textOf } from '../../json-value.ts';
import type { ScorableTrace } from '../../scorable-trace.ts';
import type { JsonValue } from '../../span.ts';
import type { ResultType } from '../answer/result-type.ts';
import type { ModelJudgeDefinition } from '../definition.ts';
import { cannotJudge, type JudgePlan, type Question } from '../judge.ts';
import { type Section, textSection } from '../material.ts';
import { answerText, requestItems } from '../reading/root-texts.ts';

/** A judge of one trace: plans what to ask about it. */
export type TracePlanner = (trace: ScorableTrace) => JudgePlan;

/** The parts of a question that depend on the scorer alone. */
export type Asked = Pick<Question, 'model' | 'parameters'>;

export function askedOf({ model, parameters }: Pick<ModelJudgeDefinition, 'model' | 'parameters'>): Asked {
  return { ...(model !== undefined && { model }), ...(parameters && { parameters }) };
}

/** A question that is decided with yes or no. */
export function ratingQuestion(
  task: string,
  { material, asked }: { material: readonly Section[]; asked: Asked },
): Question {
  return { task, material, resultType: rating, rationaleFirst: true, ...asked };
}

const rating: ResultType = { kind: 'rating' };

/** The request as a section; undefined where the trace has no inputs. */
export function requestSection(trace: ScorableTrace): Section | undefined {
  const items = requestItems(trace);
  return items.length > 0 ? { title: 'request', items } : undefined;
}

export function answerSection(trace: ScorableTrace): Section | undefined {
  const text = answerText(trace);
  return text === undefined ? undefined : textSection('answer', text);
}

export function noInputs(): JudgePlan {
  return cannotJudge(
    'NO_INPUTS',
    'the trace has no inputs: neither its root span nor another one that talks to the user has some',
  );
}

export function noOutputs(): JudgePlan {
  return cannotJudge(
    'NO_OUTPUTS',
    'the trace has no outputs: neither its root span nor another one that talks to the user has some',
  );
}

export function noExpectation(names: string): JudgePlan {
  return cannotJudge('NO_EXPECTATION', `the trace has no expectation ${names}`);
}

/** Plans with request and answer, where the trace has both. */
export function withRequestAndAnswer(
  trace: ScorableTrace,
  plan: (sections: { request: Section; answer: Section }) => JudgePlan,
): JudgePlan {
  const [request, answer] = [requestSection(trace), answerSection(trace)];
  if (request === undefined) return noInputs();
  return answer === undefined ? noOutputs() : plan({ request, answer });
}

/** An expectation that people logged; undefined for none and for null. */
export function expectation({ expectations }: ScorableTrace, name: string): JsonValue | undefined {
  const value = Object.hasOwn(expectations, name) ? expectations[name] : undefined;
  return value ?? undefined;
}

/** A text, or a list of them, as a list; other values as JSON. */
export function textsOf(value: JsonValue): readonly string[] {
  return Array.isArray(value) ? value.map((item: JsonValue) => textOf(item)) : [textOf(value)];
}

/** `1. …` a line. */
export function numbered(texts: readonly string[]): readonly string[] {
  return texts.map((text, i) => `${i + 1}. ${text}`);
}
