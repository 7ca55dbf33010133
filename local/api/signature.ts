import { createHash, createHmac } from 'node:crypto';
import { isAllowed, type Statement } from '../gateway/policy.ts';
import { accountId, region } from '../template/physical-names.ts';

/** Somebody with credentials of the account. */
export interface Signer {
  readonly secretAccessKey: string;
  readonly userArn: string;
  /** What the user's policies say; absent: no policy limits them. */
  readonly statements?: readonly Statement[];
}

export interface SignedRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** AWS refuses what was signed longer ago, or later, than this. */
const maxSkewMs = 5 * 60_000;
const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=([^/\s]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

/**
 * What an IAM authorizer finds out, as it stands in the event; undefined where it refuses: unsigned, signed otherwise than this request
 * is, by nobody known, long ago, or without the right to this path. Source: IAM user guide, "Create a signed AWS API request"; API
 * Gateway developer guide, "Control access to HTTP APIs with IAM authorization".
 */
export function authorizeSigned(
  request: SignedRequest,
  signers: ReadonlyMap<string, Signer>,
): Readonly<Record<string, unknown>> | undefined {
  const [, accessKey = '', date = '', inRegion = '', service = '', signedHeaders = '', signature = ''] =
    authorizationPattern.exec(request.headers.authorization ?? '') ?? [];
  const signer = signers.get(accessKey);
  const at = request.headers['x-amz-date'] ?? '';
  const isMeantForUs = inRegion === region && service === 'execute-api' && at.startsWith(date) && isRecent(at);
  const names = signedHeaders.split(';');
  if (!signer || !isMeantForUs || !names.includes('host') || !isBodySigned(request)) return undefined;
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonicalRequest(request, names))].join('\n');
  const key = ['aws4_request', service, region, date].reduceRight<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${signer.secretAccessKey}`,
  );
  if (hmac(key, toSign).toString('hex') !== signature || !isOpen(request, signer)) return undefined;
  const { userArn } = signer;
  return {
    accessKey,
    accountId,
    callerId: accessKey,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn,
    userId: accessKey,
  };
}

function isOpen({ method, url }: SignedRequest, { statements }: Signer): boolean {
  const resource = `arn:aws:execute-api:${region}:${accountId}:local/$default/${method}${url.pathname}`;
  return statements === undefined || isAllowed({ action: 'execute-api:Invoke', resource }, statements);
}

/** `20260601T120000Z` */
function isRecent(at: string): boolean {
  const iso = at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  return Math.abs(Date.now() - Date.parse(iso)) <= maxSkewMs;
}

/** A client may say the hash in a header; then it must be that of the body. */
function isBodySigned({ headers, body }: SignedRequest): boolean {
  const said = headers['x-amz-content-sha256'];
  return said === undefined || said === sha256(body);
}

function canonicalRequest({ method, url, headers, body }: SignedRequest, names: readonly string[]): string {
  // Encoded once by the client and once more for the signature, for every service but S3.
  const path = url.pathname.split('/').map(encode).join('/');
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).toSorted();
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`);
  return [method, path, query.join('&'), lines.join(''), names.join(';'), sha256(body)].join('\n');
}

/** RFC 3986: only unreserved characters stay. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
