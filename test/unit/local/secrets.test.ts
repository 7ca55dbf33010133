import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { accessesOf } from '../../../local/gateway/accesses.ts';
import { secretsService } from '../../../local/services/secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
const file = join(folder, 'secrets.json');
afterAll(() => rmSync(folder, { recursive: true }));

it('answers what the file says now, by name and by ARN', async () => {
  const service = secretsService(file);
  writeFileSync(file, '{"assay/Assay/openai":"sk-1"}');
  expect(await service('GetSecretValue', { SecretId: 'assay/Assay/openai' })).toMatchObject({ SecretString: 'sk-1' });
  writeFileSync(file, '{"assay/Assay/openai":"sk-2"}');
  const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:assay/Assay/openai-AbCdEf';
  expect(await service('GetSecretValue', { SecretId: arn })).toMatchObject({ SecretString: 'sk-2' });
});

it.each([file, undefined])('has no value where the file (%s) has none', async (given) => {
  writeFileSync(file, '{}');
  await expect(secretsService(given)('GetSecretValue', { SecretId: 'x' })).rejects.toMatchObject({
    code: 'ResourceNotFoundException',
  });
});

const call = (service: string, path: string, input = {}) => ({
  service,
  operation: 'GetSecretValue',
  method: 'POST',
  path,
  query: new URLSearchParams(),
  input: () => input,
});
const bedrock = 'arn:aws:bedrock:us-east-1:';

it.each([
  ['amazon.nova-micro-v1%3A0', [`${bedrock}:foundation-model/amazon.nova-micro-v1:0`]],
  [
    'global.anthropic.claude-x',
    [
      `${bedrock}123456789012:inference-profile/global.anthropic.claude-x`,
      `${bedrock}:foundation-model/anthropic.claude-x`,
    ],
  ],
  [encodeURIComponent(`${bedrock}1:provisioned-model/abc`), [`${bedrock}1:provisioned-model/abc`]],
])('knows what a call of the model %s has to be allowed', (id, resources) => {
  expect(
    accessesOf(call('bedrock', `/model/${id}/converse`), []).map(({ action, resource }) => [action, resource]),
  ).toEqual(resources.map((resource) => ['bedrock:InvokeModel', resource]));
});

it('knows whose secret is read', () => {
  const own = { type: 'AWS::SecretsManager::Secret', properties: { Name: 'mine' }, arn: 'arn:own' };
  const resources = [own] as unknown as Parameters<typeof accessesOf>[1];
  const read = (SecretId: string) => accessesOf(call('secretsmanager', '/', { SecretId }), resources)[0]?.resource;
  expect([read('mine'), read('theirs')]).toEqual(['arn:own', expect.stringMatching(/:secret:theirs-AbCdEf$/)]);
});
