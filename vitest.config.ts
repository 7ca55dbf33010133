import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Each has machines, engines or processes to itself: files one after another. */
const alone = { fileParallelism: false, testTimeout: 60_000 };

/** Of both projects: what one leaves of them at its end the other takes. */
const maxWorkers = 3;
/** Programs that tests start, the command above all, are read and compiled once. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // Nobody mocks modules or leaves anything behind in them: files share what they import, a third of the work.
          isolate: false,
          testTimeout: 20_000,
          maxWorkers,
          env,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // One stack per file, which waits half of its time: three at a time fill two cores.
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          env,
        },
      },
      { test: { name: 'strict', include: ['test/strict/**/*.test.ts'], hookTimeout: 180_000, ...alone } },
      { test: { name: 'clients', include: ['test/clients/**/*.test.ts'], hookTimeout: 120_000, ...alone } },
    ],
  },
});
