import type * as z from 'zod';
import type { Caller, GatewayEvent } from '../../shared/contracts/gateway-call.ts';
import { ApiError } from '../../shared/domain/api-error.ts';

/** A request as routes see it. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** What stands for the route's placeholders. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The value of a header, whatever its case. */
  header(name: string): string | undefined;
  /** Parsed as JSON when it is asked for; nothing is an empty object. Throws ApiError. */
  readonly body: unknown;
  /** As it came. */
  readonly bytes: Uint8Array;
  /** What the caller's key is limited to; empty: all. */
  readonly experimentIds: readonly string[];
  /** Whether the caller's key opens an experiment. */
  opens(experimentId: string): boolean;
  /** Throws ApiError where it does not. */
  requireExperiment(experimentId: string): void;
  /** Throws ApiError where the caller's key is limited to any experiments: what is asked belongs to none of them. */
  requireAllExperiments(): void;
}

interface Matched {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly caller: Caller | undefined;
}

export function toRequest(event: GatewayEvent, { path, parameters, caller }: Matched): ApiRequest {
  const limited = caller?.experimentIds ?? [];
  const opens = (experimentId: string) => limited.length === 0 || limited.includes(experimentId);
  return {
    method: event.requestContext.http.method,
    path,
    parameters,
    query: new URLSearchParams(event.rawQueryString),
    // The gateway spells all names in lower case.
    header: (name) => event.headers?.[name.toLowerCase()],
    get body() {
      return parseBody(event);
    },
    get bytes() {
      return Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
    },
    experimentIds: limited,
    opens,
    requireExperiment(experimentId) {
      if (opens(experimentId)) return;
      throw new ApiError(
        'PERMISSION_DENIED',
        `the API key is limited to experiments ${limited.join(', ')}: it does not open ${experimentId}`,
      );
    },
    requireAllExperiments() {
      if (limited.length === 0) return;
      throw new ApiError(
        'PERMISSION_DENIED',
        `the API key is limited to experiments ${limited.join(', ')}: this takes one that is not limited`,
      );
    },
  };
}

function parseBody({ body, isBase64Encoded }: GatewayEvent): unknown {
  const text = body === undefined ? '' : isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError('INVALID_PARAMETER_VALUE', `the body is not JSON: ${(error as Error).message}`);
  }
}

/** The value in the schema's shape; an ApiError says in MLflow's words what does not fit. */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new ApiError('INVALID_PARAMETER_VALUE', result.error.issues.map(describe).join('; '));
}

function describe({ path, input, message }: z.core.$ZodIssue): string {
  if (path.length === 0) return `Invalid request: ${message}`;
  const name = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  if (input === undefined || input === null) return `Missing value for required parameter '${name.slice(1)}'.`;
  const shown = JSON.stringify(input)?.slice(0, 200);
  return `Invalid value ${shown} for parameter '${name.slice(1)}' supplied: ${message}`;
}

/** A query parameter that must be there. */
export function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null || value === '')
    throw new ApiError('INVALID_PARAMETER_VALUE', `missing value for required parameter '${name}'`);
  return value;
}

/** An item of DynamoDB has 400 KB at most (Service quotas); names, keys and metadata need some of it. */
const maxTextBytes = 350_000;
export const tooLarge = `larger than ${maxTextBytes.toLocaleString('en')} bytes, which is what can be stored`;

/** Whether a text, or a value as JSON, can be stored as an item. */
export function fitsItem(value: unknown): boolean {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return Buffer.byteLength(text) <= maxTextBytes;
}
