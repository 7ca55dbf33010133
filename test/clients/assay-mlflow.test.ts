import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { runPython } from './clients.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
}, 120_000);
afterAll(() => stack?.stop());

const tests = join(import.meta.dirname, '../../python/assay-mlflow/tests');

it.each(['assay-mlflow-3.9.0', 'assay-mlflow-3.18.0'])(
  'the package for what the client refuses by itself passes its tests in %s',
  async (environmentName) => {
    const environment = { ASSAY_URL: stack.stack.url, ASSAY_KEY: stack.adminKey };
    const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', tests];
    const { exitCode, stdout, seconds } = await runPython(environmentName, { args, environment });
    console.log(`${environmentName}: ${seconds.toFixed(0)} s, ${stdout.trim().split('\n').at(-1)}`);
    expect([exitCode, stdout.slice(-4000)]).toEqual([0, expect.anything()]);
  },
  300_000,
);
