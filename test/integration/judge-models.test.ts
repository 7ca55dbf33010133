import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { ModelServer } from '../support/model-server/model-server.ts';

const command = join(import.meta.dirname, '../../cli/assay.ts');
const folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
const secretsFile = join(folder, 'secrets.json');
const server = new ModelServer(({ key }) =>
  key === 'sk-wrong' ? { fails: { status: 401, message: `Incorrect API key provided: ${key}` } } : {},
);
let stack: TestStack;

beforeAll(async () => {
  await server.listen();
  const baseUrl = `${server.url}/v1`;
  const judgeModels = JSON.stringify({
    aliases: { 'gateway:/fast': 'openai:/gpt-4.1-mini', 'gateway:/other': 'anthropic:/claude-haiku-4-5' },
    providers: { openai: { baseUrl }, anthropic: { baseUrl } },
  });
  stack = await startTestStack({ context: { judgeModels }, secretsFile, bedrockUrl: server.url });
});
afterAll(async () => {
  await stack?.stop();
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Check {
  readonly asked: string;
  readonly model: string;
  readonly ok: boolean;
  readonly says: string;
}

async function check(): Promise<{ code: number; checks: readonly Check[]; output: string }> {
  const env = { ...process.env, AWS_ENDPOINT_URL: stack.stack.endpoint };
  const run = promisify(execFile)(process.execPath, [command, '--json', 'models', 'check'], { env });
  const { code, stdout, stderr } = await run.then(
    (done) => ({ ...done, code: 0 }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  return { code, checks: JSON.parse(stdout), output: stdout + stderr };
}

it('asks every configured model over the wire, with keys out of Secrets Manager', async () => {
  writeFileSync(secretsFile, '{"assay/Assay/openai":"sk-a","assay/Assay/anthropic":"{\\"apiKey\\":\\"sk-b\\"}"}');
  const { code, checks } = await check();
  expect(checks.map(({ asked, model, ok }) => [asked, model, ok])).toEqual([
    [expect.stringMatching(/^bedrock:/), expect.stringMatching(/^bedrock:\/global\./), true],
    ['gateway:/fast', 'openai:/gpt-4.1-mini', true],
    ['gateway:/other', 'anthropic:/claude-haiku-4-5', true],
  ]);
  expect(code).toBe(0);
  expect(server.refused).toEqual([]);
  expect(server.asked.map(({ provider, key }) => [provider, key])).toEqual(
    expect.arrayContaining([
      ['openai', 'sk-a'],
      ['anthropic', 'sk-b'],
    ]),
  );
});

it('says what is missing or wrong, and no key', async () => {
  writeFileSync(secretsFile, '{"assay/Assay/openai":"sk-wrong"}');
  const { code, checks, output } = await check();
  expect(code).toBe(1);
  expect(checks.map(({ says }) => says)).toEqual([
    expect.stringContaining('"result"'),
    expect.stringContaining('openai:/gpt-4.1-mini answers 401 invalid_api_key'),
    expect.stringContaining('put-secret-value --secret-id assay/Assay/anthropic'),
  ]);
  expect(output).not.toContain('sk-wrong');
});
