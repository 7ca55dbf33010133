import * as z from 'zod';

/**
 * An object of these fields and no others. For what Assay's own routes take: a misspelt field would mean its default there, which may be
 * another rate, or everything. MLflow's routes ignore what they do not know, as MLflow does.
 */
export function onlyFields<T extends z.core.$ZodShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `unknown: ${issue.keys?.join(', ')}; expected some of ${known}` : undefined,
  });
}
