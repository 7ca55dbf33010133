import { afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { readEnv } from '../../../shared/runtime/env.ts';

const schema = z.object({ QUEUE_URL: z.string().min(1), RETENTION_DAYS: z.string().regex(/^\d+$/).transform(Number) });

afterEach(() => {
  vi.unstubAllEnvs();
});

test('reads the variables as the schema means them', () => {
  vi.stubEnv('QUEUE_URL', 'https://queue');
  vi.stubEnv('RETENTION_DAYS', '30');
  expect(readEnv(schema)).toEqual({ QUEUE_URL: 'https://queue', RETENTION_DAYS: 30 });
});

test('names every variable that is missing or wrong', () => {
  vi.stubEnv('QUEUE_URL', undefined);
  vi.stubEnv('RETENTION_DAYS', 'a month');
  expect(() => readEnv(schema)).toThrow(/^environment: QUEUE_URL: .*; RETENTION_DAYS: /);
});
