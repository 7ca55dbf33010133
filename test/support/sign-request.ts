import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

/** What AWS's own signer asks of a hash. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string | Uint8Array);
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

export interface RequestToSign {
  readonly url: URL;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Signing {
  readonly credentials?: { accessKeyId: string; secretAccessKey: string };
  readonly service?: string;
  readonly at?: Date;
}

/** The headers of the request with those that sign it, by AWS's own signer. */
export async function signRequest(
  { url, method = 'GET', headers = {}, body = '' }: RequestToSign,
  {
    credentials = { accessKeyId: 'local', secretAccessKey: 'local' },
    service = 'execute-api',
    at = new Date(),
  }: Signing = {},
): Promise<Record<string, string>> {
  const signer = new SignatureV4({ credentials, service, region: 'us-east-1', sha256: Sha256 });
  const query: Record<string, string[]> = {};
  for (const name of new Set(url.searchParams.keys())) query[name] = url.searchParams.getAll(name);
  const signed = await signer.sign(
    {
      ...{ protocol: url.protocol, hostname: url.hostname, port: Number(url.port), path: url.pathname, query },
      ...{ method, headers: { ...headers, host: url.host }, body },
    },
    { signingDate: at },
  );
  return signed.headers;
}
