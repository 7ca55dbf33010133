import { posix } from 'node:path';
import * as z from 'zod';

/** Parts of MLflow's requests, with its limits (mlflow/utils/validation.py). Optional ones may be null. */

export const experimentIdField = z
  .union([z.string(), z.number().int()])
  .transform(String)
  .refine((id) => /^\d{1,10}$/.test(id) && Number(id) < 2 ** 31, 'Experiment ID must be a valid integer.')
  .transform((id) => String(Number(id)));

/** Requests to MLflow's protobuf API may spell whole numbers as texts. */
export const integerField = z.union([
  z.number().int(),
  z
    .string()
    .regex(/^-?\d{1,16}$/, 'expected an integer')
    .transform(Number)
    .refine(Number.isSafeInteger, 'expected an integer below 2^53'),
]);

const maxKeyLength = 250;

/** Keys of tags, parameters and metrics. */
export const keyField = z
  .string()
  .min(1)
  .max(maxKeyLength, `exceeds the maximum length of ${maxKeyLength} characters`)
  .regex(
    /^[/\p{L}\p{N}_.\- :]*$/u,
    'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).',
  )
  .refine(
    isPlainPath,
    'Names may be treated as files in certain cases, and must not resolve to other names when treated as such.',
  );

/** Absent, null and empty are the same to MLflow. */
export const textField = z
  .string()
  .nullish()
  .transform((text) => text ?? '');

export const tagListField = z
  .array(z.object({ key: keyField, value: textField }))
  .nullish()
  .transform((tags) => tags ?? []);

export const experimentNameField = z.string().min(1).max(500, 'exceeds the maximum length of 500 characters');

export const experimentTagValueField = textField.refine(
  (text) => text.length <= 20_000,
  'exceeds the maximum length of 20000 characters',
);

/** By name, or by number as in protobuf. */
export const viewTypeField = z
  .union([
    z.enum(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']),
    z.literal([1, 2, 3]).transform((n) => (['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'] as const)[n - 1]),
  ])
  .nullish()
  .transform((view) => view ?? 'ACTIVE_ONLY');

/** How many results a page has at most. */
export function limitField(options: { default: number; max: number }) {
  return integerField
    .nullish()
    .transform((limit) => limit ?? options.default)
    .refine((limit) => limit > 0, 'It must be a positive integer')
    .refine((limit) => limit <= options.max, `It must be at most ${options.max}`);
}

export const orderByField = z
  .array(z.string())
  .nullish()
  .transform((terms) => terms ?? []);

function isPlainPath(name: string): boolean {
  const normal = posix.normalize(name);
  return normal === name && normal !== '.' && !normal.startsWith('..') && !/^\/|\/$/.test(normal);
}
