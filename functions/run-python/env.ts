/** The variables that the function's construct must set: none, it reaches nothing. */
export type RunPythonEnv = Record<string, never>;
