import { pyodideCodeRunner } from '../../shared/adapters/pyodide-code-runner.ts';
import { createHandler } from './create-handler.ts';

// Beside the bundle: infra/constructs/trace-pipeline.ts puts them there.
const sandbox = await pyodideCodeRunner({
  child: new URL('./python/python-child.mjs', import.meta.url),
  pyodide: new URL('./pyodide/', import.meta.url),
});

export const handler = createHandler(sandbox);
