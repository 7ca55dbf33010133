/** Code of a user's that judges traces: an immutable version of it. */
export type CodeDefinition = JavaScriptCode | PythonCode | OwnFunction;

/** A function of four parameters, or a script whose last statement is one. */
export interface JavaScriptCode {
  readonly language: 'javascript';
  readonly source: string;
}

/** A function as MLflow's `@scorer` stores it: body, signature with parentheses, name. */
export interface PythonCode {
  readonly language: 'python';
  readonly source: string;
  readonly signature: string;
  readonly functionName: string;
}

/** A Lambda function of the user's. */
export interface OwnFunction {
  readonly language: 'lambda';
  /** Begins with `ownFunctionPrefix`: nothing else may be invoked. */
  readonly functionName: string;
}

export const ownFunctionPrefix = 'assay-scorer-';
