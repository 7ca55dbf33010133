import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportRequest, spanIdOf, traceIdOf } from '../support/in-memory/bodies.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
  await settleAtOnce('0');
});
afterAll(() => stack.stop());

/** Its traces come whole, in one request. */
async function settleAtOnce(experiment_id: string): Promise<void> {
  const tag = { experiment_id, key: 'assay.settleDelaySeconds', value: '0' };
  expect((await stack.api('POST', '/api/2.0/mlflow/experiments/set-experiment-tag', tag)).status).toBe(200);
}

const cli = join(import.meta.dirname, '../../cli/assay.ts');

async function assay(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const env = {
    ...process.env,
    ASSAY_URL: stack.stack.url,
    ASSAY_KEY: stack.adminKey,
    AWS_ENDPOINT_URL: stack.stack.endpoint,
  };
  const run = promisify(execFile)(process.execPath, [cli, ...args], { env });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

describe('the assay command', () => {
  it('makes a key with the credentials of the account that opens the API', async () => {
    const { out } = await assay('--json', 'init');
    const { key } = JSON.parse(out);
    const reply = await fetch(new URL('/api/3.0/mlflow/scorers/list?experiment_id=0', stack.stack.url), {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(reply.status).toBe(200);
  });

  it('lists the keys that it made, and ends them by name', async () => {
    await assay('keys', 'create', '--role', 'write', '--name', 'nightly', '--experiment', '0', '--rate-limit', '50');
    expect((await assay('keys', 'list')).out).toMatch(/nightly +write +0 +50 +2\d{3}-/);
    expect((await assay('keys', 'revoke', 'nightly')).out).toMatch(/^revoked nightly \([0-9a-f]{12}\)/);
    expect((await assay('keys', 'list')).out).not.toContain('nightly');
  });

  it('registers and starts a scorer, then shows what it found', async () => {
    await assay('scorers', 'register', 'short', '--heuristic', 'response_length', '--set', 'max=5');
    expect((await assay('scorers', 'start', 'short', '--rate', '1')).out).toBe('started short at 100 %\n');
    expect((await assay('scorers', 'list')).out).toMatch(/short +1 +active +100 %/);
    const span = {
      traceId: traceIdOf(1),
      spanId: spanIdOf(0),
      name: 'agent',
      start: 0,
      end: 1,
      attributes: { 'output.value': 'far too long' },
    };
    await stack.send(JSON.stringify(exportRequest([span])), { headers: { 'content-type': 'application/json' } });
    await stack.stack.drain();
    expect((await assay('traces', 'list', '--filter', "status = 'OK'")).out).toMatch(/agent +short=no/);
    const { out } = await assay('traces', 'get', `tr-${span.traceId}`);
    expect(out).toMatch(/response +far too long/);
    expect(out).toMatch(/short = no {2}\S/);
    const explained = await assay('explain', span.traceId);
    expect(explained.out).toMatch(/complete {2}u = 0\.\d{6} {2}decided 20.* by rules version 2\n/);
    expect(explained.out).toMatch(/short v1 {2}done {2}judged at .*: short = no/);
  });

  it('says why a judge has nothing to judge; deletes it', async () => {
    const { experiment_id: id } = JSON.parse((await assay('--json', 'experiments', 'create', 'judged')).out);
    await settleAtOnce(id);
    const judge = { name: 'safe', serialization_version: 1, builtin_scorer_class: 'Safety' };
    const file = join(tmpdir(), `assay-judge-${process.pid}.json`);
    await writeFile(file, JSON.stringify({ ...judge, builtin_scorer_pydantic_data: {} }));
    await assay('scorers', 'register', 'safe', '--file', file, '--experiment', id);
    await rm(file);
    const started = await assay('scorers', 'start', 'safe', '--rate', '1', '--experiment', id);
    expect(started.out).toBe('started safe at 100 %\n');
    const span = { traceId: traceIdOf(2), spanId: spanIdOf(0), name: 'judged', start: 0, end: 1 };
    const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': id };
    await stack.send(JSON.stringify(exportRequest([span])), { headers });
    await stack.stack.drain();
    const { out } = await assay('explain', `tr-${span.traceId}`, '--scorer', 'safe');
    expect(out).toMatch(/safe v1 {2}failed {2}.*NO_OUTPUTS: the trace has no outputs/);
    expect((await assay('scorers', 'delete', 'safe', '--experiment', id)).out).toBe('deleted safe\n');
  });

  it('asks the archive', async () => {
    await stack.stack.flushFirehose();
    expect(JSON.parse((await assay('--json', 'sql', 'SELECT name FROM traces_current')).out)).toEqual(
      expect.arrayContaining([{ name: 'agent' }]),
    );
  });

  it.each([
    { args: ['scorers', 'start', 'nobody', '--rate', '1'], says: /Scorer with name 'nobody' not found/ },
    { args: ['scorers', 'start', 'short', '--rate', '7'], says: /share above 0/ },
    { args: ['scorers', 'register', 'x'], says: /--heuristic.*--file/ },
    { args: ['--key', 'wrong', 'scorers', 'list'], says: /401 UNAUTHENTICATED/ },
    { args: ['--url', 'http://127.0.0.1:9', 'traces', 'list'], says: /does not answer/ },
    { args: ['sql', 'SELECT nothing'], says: /nothing/ },
    { args: ['explain', 'x'], says: /400 INVALID_PARAMETER_VALUE: a trace id is "tr-" and 32 hex digits, got "x"/ },
    { args: ['explain', '0'.repeat(32)], says: /404 RESOURCE_DOES_NOT_EXIST/ },
  ])('ends with an error that says what to do: $args', async ({ args, says }) => {
    const { code, err } = await assay(...args);
    expect(code).toBe(1);
    expect(err).toMatch(says);
    expect(err).not.toMatch(/\n\s+at /);
  });
});
