import { isRecord, textOf } from '../../json-value.ts';
import type { ScorableTrace } from '../../scorable-trace.ts';
import type { JsonValue } from '../../span.ts';
import { InvalidJudgeError } from '../definition.ts';
import { type Conclusion, cannotJudge, type JudgePlan, resultOf, type Verdict } from '../judge.ts';
import { type Section, textSection } from '../material.ts';
import { traceDigest } from '../reading/digest.ts';
import { answerText } from '../reading/root-texts.ts';
import { type Asked, requestSection } from './needs.ts';
import { conversationItems } from './session-judges.ts';
import { templateVariables, withReferences } from './template.ts';

export interface CustomPromptOptions {
  readonly template: string;
  readonly numericValues?: Readonly<Record<string, number>> | undefined;
  readonly asked: Asked;
}

/** `[[good]]`, as MLflow's custom_prompt_judge has it. */
const choicePattern = /\[\[([\p{L}\p{N}_ ]+)\]\]/gu;

/**
 * A judge that picks one of the choices of a template. Its variables are the trace's `inputs`, `outputs`, `request`, `response`, `expectations`,
 * `trace` and `conversation`, and the names of the members of inputs, outputs and expectations.
 * @throws InvalidJudgeError
 */
export function customPromptJudge({
  template,
  numericValues,
  asked,
}: CustomPromptOptions): (traces: readonly ScorableTrace[]) => JudgePlan {
  const choices = choicesOf(template);
  checkNumericValues(numericValues, choices);
  const task = `${withReferences(template.replace(choicePattern, '$1'))}\n\nThe result is the category you choose.`;
  const variables = templateVariables(template);
  return (traces) => {
    const material: Section[] = [];
    for (const name of variables) {
      const sections = sectionsOf(name, traces);
      if (sections === undefined)
        return cannotJudge(
          'NO_INPUTS',
          `the trace has nothing for {{ ${name} }}: no such member of its inputs, outputs or expectations`,
        );
      material.push(...sections);
    }
    const question = {
      task,
      material,
      resultType: { kind: 'choice', values: choices },
      rationaleFirst: true,
      ...asked,
    } as const;
    return {
      questions: [question],
      conclude: (verdicts) => verdicts.map((verdict, i) => ({ ...weighed(verdict, numericValues), from: [i] })),
    };
  };
}

function choicesOf(template: string): readonly string[] {
  const choices = [...new Set([...template.matchAll(choicePattern)].map(([, name]) => name as string))];
  if (choices.length === 0)
    throw new InvalidJudgeError(
      'prompt_template must contain its choices in double brackets, for instance [[good]] and [[bad]]',
    );
  return choices;
}

function checkNumericValues(values: CustomPromptOptions['numericValues'], choices: readonly string[]): void {
  if (values === undefined) return;
  const [given, wanted] = [Object.keys(values).toSorted().join(', '), choices.toSorted().join(', ')];
  if (given !== wanted)
    throw new InvalidJudgeError(
      `numeric_values must name the choices of the template: they name ${given || 'none'}, the choices are ${wanted}`,
    );
}

/** A choice with a number is that number; the choice itself is kept beside it, under MLflow's name. */
function weighed(verdict: Verdict, values: CustomPromptOptions['numericValues']): Omit<Conclusion, 'from'> {
  const result = resultOf(verdict);
  if (values === undefined || 'error' in verdict) return result;
  const choice = String(verdict.decision.value);
  return { ...result, value: values[choice] ?? null, metadata: { string_value: choice } };
}

function sectionsOf(name: string, traces: readonly ScorableTrace[]): readonly Section[] | undefined {
  const [trace] = traces;
  if (trace === undefined) return undefined;
  switch (name) {
    case 'inputs':
      return valueSections(name, trace.inputs);
    case 'outputs':
      return valueSections(name, trace.outputs);
    case 'request': {
      const request = requestSection(trace);
      return request && [request];
    }
    case 'response':
      return valueSections(name, answerText(trace));
    case 'expectations':
      return Object.keys(trace.expectations).length > 0 ? valueSections(name, trace.expectations) : undefined;
    case 'trace':
      return traceDigest(trace).map(({ title, items }) => ({ title: `trace ${title}`, items }));
    case 'conversation': {
      const items = conversationItems(traces);
      return items.length > 0 ? [{ title: name, items }] : undefined;
    }
    default:
      return valueSections(name, memberOf(trace, name));
  }
}

function valueSections(title: string, value: JsonValue | undefined): readonly Section[] | undefined {
  return value === undefined || value === null ? undefined : [textSection(title, textOf(value))];
}

/** `{{ question }}` or `{{ user.name }}` within inputs, else outputs, else expectations. */
function memberOf({ inputs, outputs, expectations }: ScorableTrace, path: string): JsonValue | undefined {
  for (const value of [inputs, outputs, expectations as JsonValue]) {
    const found = path.split('.').reduce<JsonValue | undefined>(ownMember, value);
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
}

function ownMember(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
