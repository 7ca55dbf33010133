import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startScriptedApi } from '../../support/scripted-api.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');

/** A folder in which the package is installed as it is published. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-sdk-'));
  const installed = join(folder, 'node_modules/assay-sdk');
  await run(process.execPath, [tsc, '-p', join(root, 'sdk'), '--outDir', join(installed, 'dist')]);
  await writeFile(join(installed, 'package.json'), await readFile(join(root, 'sdk/package.json')));
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

const examples = async () =>
  [...(await readFile(join(root, 'sdk/README.md'), 'utf8')).matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);

it('the built package does in plain JavaScript what its README shows', async () => {
  await using api = await startScriptedApi();
  const scorers = '/api/3.0/mlflow/scorers';
  const config = (sample_rate: number) => ({ body: { config: { scorer_id: 's', sample_rate } } });
  api.script(`POST ${scorers}/register`, {
    body: { version: 1, scorer_id: 's', serialized_scorer: '{}', creation_time: 0 },
  });
  api.script(`PUT ${scorers}/online-config`, config(0.1), config(0.5), config(0));
  api.script(`GET ${scorers}/get`, {
    status: 404,
    body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no scorer' },
  });
  api.script(`GET ${scorers}/online-configs`, { body: { configs: [] } });
  api.script('POST /api/3.0/mlflow/traces/search', { body: { traces: [{ trace_id: 'tr-1' }] } });
  api.script('GET /api/1.0/assay/traces/tr-1/explanation', { body: { trace_id: 'tr-1', scorers: ['because'] } });
  const [example = ''] = await examples();
  await writeFile(join(folder, 'example.mjs'), example);
  const env = { ASSAY_URL: api.url, ASSAY_KEY: 'key' };
  const { stdout } = await run(process.execPath, ['--no-experimental-strip-types', 'example.mjs'], {
    cwd: folder,
    env,
  });
  expect(stdout.split('\n')).toEqual([
    'short 1 active 0.1',
    "tr-1 { trace_id: 'tr-1', scorers: [ 'because' ] }",
    'RESOURCE_DOES_NOT_EXIST no scorer',
    '',
  ]);
  expect(api.asked.map(({ what }) => what)).toEqual(expect.arrayContaining([`POST ${scorers}/register`]));
});

it('its types fit what the README shows', async () => {
  const code = (await examples())
    .join('')
    .replace('process.env.ASSAY_URL', "''")
    .replace('process.env.ASSAY_KEY', "''");
  await writeFile(join(folder, 'example.ts'), code);
  const options = { module: 'nodenext', target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable'], strict: true };
  const compilerOptions = { ...options, noEmit: true, types: [], exactOptionalPropertyTypes: true };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['example.ts'] }));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await run(process.execPath, [tsc, '-p', folder]).catch(({ stdout }) => expect(stdout).toBe(''));
}, 60_000);
