import { textOf } from '../../json-value.ts';
import type { ScorableTrace } from '../../scorable-trace.ts';
import type { JsonValue } from '../../span.ts';
import type { ResultType } from '../answer/result-type.ts';
import { type JudgePlan, oneQuestion } from '../judge.ts';
import { type Section, textSection } from '../material.ts';
import { traceDigest } from '../reading/digest.ts';
import { type Asked, noExpectation, noInputs, noOutputs } from './needs.ts';
import { conversationItems, noConversation } from './session-judges.ts';
import { withReferences } from './template.ts';

export interface InstructionsOptions {
  readonly instructions: string;
  /** Those that are in the instructions. */
  readonly variables: readonly string[];
  readonly resultType: ResultType;
  readonly rationaleFirst: boolean;
  readonly asked: Asked;
}

/** A judge with a user's instructions, MLflow's `make_judge`. */
export function instructionsJudge(options: InstructionsOptions): (traces: readonly ScorableTrace[]) => JudgePlan {
  return (traces) => {
    const found = options.variables.map((name) => valueOfVariable(name, traces));
    const missing = found.find((value) => 'missing' in value);
    if (missing && 'missing' in missing && !canExplore(missing, traces)) return missing.missing;
    const [trace] = traces;
    const explores = missing !== undefined || options.variables.includes('trace');
    const material = found.flatMap((value) => ('sections' in value ? value.sections : []));
    return question(options, {
      material: explores && trace ? withDigest(material, trace) : material,
      ...(explores && trace && { explore: trace }),
    });
  };
}

function question(
  { instructions, resultType, rationaleFirst, asked }: InstructionsOptions,
  { material, explore }: { material: readonly Section[]; explore?: ScorableTrace },
): JudgePlan {
  const task = withReferences(instructions);
  return oneQuestion(
    { task, material, resultType, rationaleFirst, ...asked, ...(explore && { explore }) },
    { metadata: { guideline: instructions } },
  );
}

type VariableValue =
  | { readonly sections: readonly Section[] }
  | { readonly missing: JudgePlan; readonly isInTrace: boolean };

function valueOfVariable(name: string, traces: readonly ScorableTrace[]): VariableValue {
  const [trace] = traces;
  switch (name) {
    case 'inputs':
      return valueSection(name, trace?.inputs) ?? { missing: noInputs(), isInTrace: true };
    case 'outputs':
      return valueSection(name, trace?.outputs) ?? { missing: noOutputs(), isInTrace: true };
    case 'expectations':
      return expectationsOf(trace) ?? { missing: noExpectation('at all'), isInTrace: false };
    case 'conversation': {
      const items = conversationItems(traces);
      return items.length > 0
        ? { sections: [{ title: name, items }] }
        : { missing: noConversation(), isInTrace: false };
    }
    default:
      return { sections: [] };
  }
}

function valueSection(title: string, value: JsonValue | undefined): VariableValue | undefined {
  if (value === undefined || value === null) return undefined;
  return { sections: [textSection(title, textOf(value))] };
}

/** Of a session those of its first trace, as MLflow. */
function expectationsOf(trace: ScorableTrace | undefined): VariableValue | undefined {
  const { expectations = {} } = trace ?? {};
  return Object.keys(expectations).length > 0 ? valueSection('expectations', expectations) : undefined;
}

/** Where the root has no inputs or outputs, MLflow lets the judge look for them in the trace; if there is anything to look at. */
function canExplore({ isInTrace }: { isInTrace: boolean }, [trace, ...more]: readonly ScorableTrace[]): boolean {
  return isInTrace && trace !== undefined && more.length === 0 && traceDigest(trace).length > 0;
}

/** The trace in short, behind what was asked for by name. */
function withDigest(material: readonly Section[], trace: ScorableTrace): readonly Section[] {
  return [...material, ...traceDigest(trace).map(({ title, items }) => ({ title: `trace ${title}`, items }))];
}
