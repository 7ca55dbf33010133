import { InvalidJudgeError } from '../definition.ts';

/** `{{ name }}`, as MLflow's prompts have them (mlflow/prompt/constants.py). */
const variable = /\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*\}\}/g;

/** The variables of a template, each once, in the order of their first use. */
export function templateVariables(template: string): readonly string[] {
  return [...new Set([...template.matchAll(variable)].map(([, name]) => name as string))];
}

/**
 * The template with a reference in the place of each variable. The values themselves stand in sections of the material: a template is the
 * scorer's and says what to do, a value is the trace's and says nothing that is to be followed.
 */
export function withReferences(template: string): string {
  return template.replace(variable, (_, name: string) => (name === 'trace' ? '[the trace]' : `[section "${name}"]`));
}

const known: ReadonlySet<string> = new Set(['inputs', 'outputs', 'expectations', 'trace', 'conversation']);

/**
 * The variables of instructions, of which MLflow takes five, and of these a conversation beside expectations only.
 * @throws InvalidJudgeError
 */
export function instructionVariables(instructions: string): readonly string[] {
  const variables = templateVariables(instructions);
  const unknown = variables.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new InvalidJudgeError(
      `instructions contain unsupported variables: ${unknown.join(', ')}. Only ${[...known].join(', ')} are allowed`,
    );
  if (variables.length === 0)
    throw new InvalidJudgeError(
      'instructions must contain at least one variable, for instance {{ inputs }}, {{ outputs }}, {{ trace }}, {{ expectations }} or {{ conversation }}',
    );
  if (
    variables.includes('conversation') &&
    variables.some((name) => name !== 'conversation' && name !== 'expectations')
  )
    throw new InvalidJudgeError(
      'instructions with {{ conversation }} must contain no other variable than {{ expectations }}',
    );
  return variables;
}
