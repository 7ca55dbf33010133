import type { AssessmentError } from '../assessment.ts';
import type { CodeDefinition } from './code-definition.ts';

/** What code is told of a trace: JSON texts, so that nothing of this process reaches it but characters. */
export interface CodeInput {
  readonly traceId: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly expectations: string;
  readonly trace: string;
  /** When the trace had ended, epoch ms: the only time that sandboxed code knows. */
  readonly now: number;
  /** 32 bits that follow from the trace id: what chance sandboxed code has. */
  readonly seed: number;
}

/** What became of one call: what the code returned, as JSON text that nobody has looked into yet, or how it failed. */
export type CodeAnswer = { readonly returned: string } | { readonly error: AssessmentError };

/**
 * Runs code on one trace. The code's failures are answers.
 * @throws SandboxUnavailableError when the code could not be run for reasons that are not its own
 */
export type RunCode<Definition = CodeDefinition> = (definition: Definition, input: CodeInput) => Promise<CodeAnswer>;

/** The code was not run, and may be later: nothing was found out about the trace. */
export class SandboxUnavailableError extends Error {
  override readonly name = 'SandboxUnavailableError';
}

/** Codes of the errors of assessments by code. `SCORER_ERROR` is MLflow's. */
export const codeErrors = {
  threw: 'SCORER_ERROR',
  timeout: 'SCORER_TIMEOUT',
  memory: 'SCORER_OUT_OF_MEMORY',
  invalidResult: 'SCORER_INVALID_RESULT',
  inputTooLarge: 'SCORER_INPUT_TOO_LARGE',
} as const;

/** Longest JSON text that code may return, characters. */
export const maxResultLength = 256 * 1024;
