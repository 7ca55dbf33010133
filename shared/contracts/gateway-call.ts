import type {
  APIGatewayEventRequestContextIAMAuthorizer,
  APIGatewayEventRequestContextV2,
  APIGatewayProxyEventV2WithRequestContext,
} from 'aws-lambda';
import type { Role } from '../domain/api-key.ts';
import type { RequestLimit } from '../domain/limit-requests.ts';

/** What authorize-request tells of a key. API Gateway carries strings only; `experimentIds` is comma-joined, empty: all. */
export type KeyContext =
  | {
      readonly decision: 'allowed';
      readonly role: Role;
      readonly experimentIds: string;
      readonly keyName: string;
      /** Both, where the key has a limit. */
      readonly keyHash?: string;
      readonly rateLimit?: string;
    }
  | { readonly decision: 'denied' };

interface Authorizers {
  readonly lambda?: KeyContext;
  /** On routes that ask for a signature of AWS. */
  readonly iam?: APIGatewayEventRequestContextIAMAuthorizer;
}

/** A request as the HTTP API hands it over; without an authorizer on routes that need none. */
export type GatewayEvent = APIGatewayProxyEventV2WithRequestContext<
  APIGatewayEventRequestContextV2 & { readonly authorizer?: Authorizers }
>;

/** Who calls, and what they may do. */
export interface Caller {
  readonly role: Role;
  /** Experiments that the caller is limited to; empty: all. */
  readonly experimentIds: readonly string[];
  readonly limit?: RequestLimit;
}

export interface GatewayCall {
  /** As it is without a prefix. */
  readonly path: string;
  /** Undefined where nobody is known: no key, or one that is unknown or revoked. */
  readonly caller: Caller | undefined;
}

/** IAM has decided on the path and method before the function runs: what it let through may do everything. */
const iamCaller: Caller = { role: 'admin', experimentIds: [] };

/**
 * Who calls what. Callers in AWS sign their requests to the same routes under `/iam`, because a route of an HTTP API has one
 * authorizer; from here on nothing tells them apart.
 */
export function readCall({ rawPath, requestContext }: GatewayEvent): GatewayCall {
  const { iam, lambda } = requestContext.authorizer ?? {};
  if (iam) return { path: rawPath.replace(/^\/iam(?=\/)/, ''), caller: iamCaller };
  return { path: rawPath, caller: lambda?.decision === 'allowed' ? toCaller(lambda) : undefined };
}

function toCaller(key: KeyContext & { decision: 'allowed' }): Caller {
  const { role, experimentIds, keyHash, rateLimit } = key;
  const limit = keyHash && rateLimit ? { keyHash, perSecond: Number(rateLimit) } : undefined;
  return { role, experimentIds: experimentIds.split(',').filter((id) => id !== ''), ...(limit && { limit }) };
}
