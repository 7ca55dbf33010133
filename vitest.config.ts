import { defineConfig } from 'vitest/config';

/** Each has machines, engines or processes to itself: files one after another. */
const alone = { fileParallelism: false, testTimeout: 60_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000, maxWorkers: 2 } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // One stack per file, which mostly waits: two at a time fill two cores.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: 'strict', include: ['test/strict/**/*.test.ts'], hookTimeout: 180_000, ...alone } },
      { test: { name: 'clients', include: ['test/clients/**/*.test.ts'], hookTimeout: 120_000, ...alone } },
    ],
  },
});
