import { UsageError } from './usage-error.ts';

export interface ClientOptions {
  /** Of the API, without a path. */
  readonly url: string;
  readonly key: string;
}

/** MLflow's REST API of an Assay deployment. */
export interface Client {
  call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T>;
}

/** Throws UsageError with what the API says went wrong. */
export function createClient({ url, key }: ClientOptions): Client {
  return {
    async call<T>(method: string, path: string, body?: object): Promise<T> {
      const response = await request(urlOf(path, url), {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new UsageError(`${method} ${path}: ${response.status} ${messageOf(text)}`);
      return JSON.parse(text) as T;
    },
  };
}

/** Throws UsageError where the base is no URL. */
export function urlOf(path: string, base: string): URL {
  if (!URL.canParse(path, base)) throw new UsageError(`"${base}" is no URL: expected one like https://example.com`);
  return new URL(path, base);
}

async function request(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { cause } = error as Error;
    throw new UsageError(
      `${url.origin} does not answer (${cause instanceof Error ? cause.message : error}): is the URL right?`,
    );
  }
}

/** The message of MLflow's error JSON, or of the gateway's. */
function messageOf(text: string): string {
  try {
    const { message, error_code: code } = JSON.parse(text) as { message?: string; error_code?: string };
    return [code, message].filter((part) => part !== undefined).join(': ');
  } catch {
    return text.slice(0, 200);
  }
}
