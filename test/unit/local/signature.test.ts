import { describe, expect, it } from 'vitest';
import { authorizeSigned, type Signer } from '../../../local/api/signature.ts';
import { type RequestToSign, signRequest } from '../../support/sign-request.ts';

const userArn = 'arn:aws:iam::123456789012:user/somebody';
const send = 'arn:aws:execute-api:*:*:*/$default/POST/iam/v1/traces';
const signers = new Map<string, Signer>([
  ['local', { secretAccessKey: 'local', userArn }],
  [
    'SENDER',
    { secretAccessKey: 'x', userArn, statements: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: send }] },
  ],
]);

type Signing = NonNullable<Parameters<typeof signRequest>[1]>;

/** Signed as AWS's own signer does, then changed on its way. */
async function authorized(
  request: RequestToSign,
  { changed = {}, ...signing }: Signing & { changed?: Partial<RequestToSign> } = {},
) {
  const headers = await signRequest(request, signing);
  const { url, method = 'GET', body = '' } = { ...request, ...changed };
  return authorizeSigned(
    { method, url, headers: { ...headers, ...changed.headers }, body: Buffer.from(body) },
    signers,
  );
}

const traces: RequestToSign = {
  url: new URL('http://127.0.0.1:4318/iam/v1/traces'),
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-mlflow-experiment-id': '7' },
  body: '{"resourceSpans":[]}',
};

describe('an IAM authorizer', () => {
  it.each([
    ['with a body', '/iam/v1/traces', traces],
    [
      'with a query, of several values and odd characters',
      '/iam/x?b=2&a=1&a=0&filter=name%20%3D%20%27%C3%A9%27&empty=',
      {},
    ],
    ['with a path of odd characters', "/iam/traces/tr-1/tags/user%20key%2Fof(us)'s", { method: 'DELETE' }],
  ])('takes a signed request %s and tells who signed', async (_, path, rest) => {
    const url = new URL(path, 'http://127.0.0.1:4318');
    expect(await authorized({ ...rest, url })).toMatchObject({ accessKey: 'local', userArn });
  });

  const hour = 3_600_000;
  it.each([
    ['another path', { changed: { url: new URL('http://127.0.0.1:4318/iam/v1/others') } }],
    ['another method', { changed: { method: 'PUT' } }],
    ['another body', { changed: { body: '{}' } }],
    ['another value of a signed header', { changed: { headers: { 'x-mlflow-experiment-id': '8' } } }],
    ['a signature for another service', { service: 's3' }],
    ['a signature of an hour ago', { at: new Date(Date.now() - hour) }],
    ['a wrong secret', { credentials: { accessKeyId: 'local', secretAccessKey: 'guessed' } }],
    ['somebody unknown', { credentials: { accessKeyId: 'UNKNOWN', secretAccessKey: 'local' } }],
    ['an API key instead', { changed: { headers: { authorization: 'Bearer assay_x' } } }],
    ['no signature', { changed: { headers: { authorization: '' } } }],
  ])('refuses %s', async (_, how) => {
    expect(await authorized(traces, how)).toBeUndefined();
  });

  it('lets a user do what their policy says of the path, and nothing else', async () => {
    const sender = { credentials: { accessKeyId: 'SENDER', secretAccessKey: 'x' } };
    expect(await authorized(traces, sender)).toMatchObject({ accessKey: 'SENDER' });
    const reading = { url: new URL('http://127.0.0.1:4318/iam/api/3.0/mlflow/traces/get?trace_id=tr-1') };
    expect(await authorized(reading, sender)).toBeUndefined();
  });
});
