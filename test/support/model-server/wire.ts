import type { JsonValue } from '../../../shared/domain/span.ts';
import type { Answer, Asked } from './script.ts';

export type Body = Readonly<Record<string, JsonValue>>;

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** One provider's API. */
export interface Wire {
  readonly provider: Asked['provider'];
  /** The model that the path names, or `''` where the body does; undefined for another's path. */
  model(path: string): string | undefined;
  /** What the provider would refuse the request for. */
  problems(body: Body, headers: Readonly<Record<string, string | undefined>>): readonly string[];
  read(
    body: Body,
    headers: Readonly<Record<string, string | undefined>>,
  ): Omit<Asked, 'provider' | 'count' | 'body' | 'model'> & { model?: string };
  reply(answer: Answer, asked: Asked): HttpReply;
  refusal(failure: { status: number; code?: string | undefined; message: string }): HttpReply;
}

export function bearer(headers: Readonly<Record<string, string | undefined>>): string {
  return headers['api-key'] ?? /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? '';
}
