import { builtinClasses, ensembleFunctions } from './mlflow-clients.ts';
import type { SerializedScorer } from './parse-serialized-scorer.ts';

/** What this version of Assay can do with a scorer; the reasons are for those who start it, or ask why it did not judge. */
export type RunDecision =
  | { readonly kind: 'runs' }
  /** Can never run here. */
  | { readonly kind: 'never'; readonly reason: string };

const runs: RunDecision = { kind: 'runs' };

export function decideRun(scorer: SerializedScorer): RunDecision {
  switch (scorer.kind) {
    case 'heuristic':
      return scorer.isSessionLevel ? never('heuristics judge traces, not sessions') : runs;
    case 'builtin':
      return Object.hasOwn(builtinClasses, scorer.className)
        ? runs
        : never(`MLflow's built-in scorer ${scorer.className} is not known here`);
    case 'guidelines':
    case 'custom-prompt':
      return runs;
    case 'instructions':
      return decideTemplate(scorer.instructions);
    case 'assay-code':
      return scorer.isSessionLevel ? never('code in JavaScript and own functions judge traces, not sessions') : runs;
    case 'code':
      if (scorer.source.trim() === '') return never('its Python code is empty');
      return scorer.isSessionLevel ? never('Python code judges traces, not sessions') : runs;
    case 'ensemble':
      return decideEnsemble(scorer);
    case 'third-party':
      return never(`${scorer.module} (${scorer.className}) is a Python library, which Assay does not run`);
    case 'memory-augmented':
      return never('judges that were aligned with memory need a Python library, which Assay does not run');
  }
}

function never(reason: string): RunDecision {
  return { kind: 'never', reason };
}

const templateVariables: ReadonlySet<string> = new Set(['inputs', 'outputs', 'trace', 'expectations', 'conversation']);

/** As MLflow's client checks it before it registers one (InstructionsJudge, mlflow/genai/judges/instructions_judge/__init__.py). */
function decideTemplate(instructions: string): RunDecision {
  const variables = variablesIn(instructions);
  const known = [...templateVariables].map((name) => `{{ ${name} }}`).join(', ');
  if (variables.size === 0) return never(`its instructions have none of the variables ${known}`);
  const others = [...variables].filter((name) => !templateVariables.has(name));
  if (others.length > 0) return never(`its instructions have variables other than ${known}: ${others.join(', ')}`);
  const beside = [...variables].filter((name) => name !== 'conversation' && name !== 'expectations');
  if (variables.has('conversation') && beside.length > 0)
    return never('its instructions have variables other than {{ expectations }} beside {{ conversation }}');
  return runs;
}

/** The names between double braces, MLflow's PROMPT_TEMPLATE_VARIABLE_PATTERN. */
function variablesIn(instructions: string): ReadonlySet<string> {
  const pattern = /\{\{\s*([a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)*)\s*\}\}/g;
  return new Set([...instructions.matchAll(pattern)].map(([, name = '']) => name));
}

/** Whether a judge cannot do without what people expected of the trace. */
export function needsExpectations(scorer: SerializedScorer): boolean {
  if (scorer.kind === 'ensemble') return scorer.scorers.some(needsExpectations);
  return scorer.kind === 'instructions' && variablesIn(scorer.instructions).has('expectations');
}

function decideEnsemble(ensemble: Extract<SerializedScorer, { kind: 'ensemble' }>): RunDecision {
  const { ensembleFunction, scorers } = ensemble;
  if (!ensembleFunctions.has(ensembleFunction)) {
    const known = [...ensembleFunctions].join(', ');
    return never(`the ensemble function ${ensembleFunction} is not one of ${known}`);
  }
  for (const part of scorers) {
    const decision = decideRun(part);
    if (decision.kind === 'never') return never(`its part ${part.name} cannot run: ${decision.reason}`);
  }
  return runs;
}
