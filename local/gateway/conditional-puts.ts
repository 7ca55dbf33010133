import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { AwsError } from './aws-error.ts';

/**
 * `If-None-Match: *` and `If-Match` of PutObject, which fauxqs does not look at. Puts under a condition to one key go one after the
 * other, so that of two that race one loses, as on S3 (S3 user guide, "Conditional writes").
 */
export class ConditionalPuts {
  readonly #last = new Map<string, Promise<void>>();

  /** Carries out the put once its condition holds. Throws AwsError 412 where it does not, 404 for `If-Match` without an object. */
  async run(request: IncomingMessage, { port, put }: { port: number; put: () => Promise<void> }): Promise<void> {
    if (!isConditional(request)) return put();
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const before = this.#last.get(path) ?? Promise.resolve();
    const done = before.then(async () => {
      check(request.headers, await etagOf(path, { port, headers: request.headers }));
      await put();
    });
    const settled = done.catch(() => undefined);
    this.#last.set(path, settled);
    void settled.then(() => {
      if (this.#last.get(path) === settled) this.#last.delete(path);
    });
    return done;
  }
}

function isConditional({ method, headers }: IncomingMessage): boolean {
  return method === 'PUT' && (headers['if-none-match'] !== undefined || headers['if-match'] !== undefined);
}

function check(headers: IncomingHttpHeaders, etag: string | undefined): void {
  const expected = headers['if-match'];
  if (expected !== undefined && etag === undefined)
    throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  const fails = expected === undefined ? etag !== undefined : unquoted(expected) !== unquoted(etag ?? '');
  if (fails)
    throw new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);
}

function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}

/** Of the object as it is; undefined where there is none. */
function etagOf(
  path: string,
  { port, headers }: { port: number; headers: IncomingHttpHeaders },
): Promise<string | undefined> {
  const { host, authorization } = headers;
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method: 'HEAD', headers: { host, authorization } };
    const head = httpRequest(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? answer.headers.etag : undefined);
    });
    head.once('error', reject);
    head.end();
  });
}
