import type * as z from 'zod';
import { ApiError } from '../../shared/domain/api-error.ts';

const hint = 'See the API docs for more information about request parameters.';

/**
 * The body in the schema's shape, refused in the words of MLflow's server (mlflow/server/handlers.py,
 * `_validate_param_against_schema`): its own tests and people's scripts look for them.
 */
export function parseParameters<T extends z.ZodObject>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const [parameter] = issue?.path ?? [];
  if (issue === undefined || parameter === undefined)
    throw new ApiError('INVALID_PARAMETER_VALUE', `the body is not an object of JSON. ${hint}`);
  const value = (body as Record<string, unknown>)[String(parameter)];
  const isMissing =
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
  throw new ApiError(
    'INVALID_PARAMETER_VALUE',
    isMissing
      ? `Missing value for required parameter '${String(parameter)}'. ${hint}`
      : `Invalid value ${JSON.stringify(value)} for parameter '${String(parameter)}' supplied:  Hint: Value was of type '${pythonType(value)}'. ${hint}`,
  );
}

function pythonType(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return { string: 'str', boolean: 'bool', object: 'dict' }[typeof value as 'string' | 'boolean' | 'object'] ?? 'str';
}
