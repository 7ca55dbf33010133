import { ApiError } from '../../shared/domain/api-error.ts';
import { type Role, roles } from '../../shared/domain/api-key.ts';
import type { ApiRequest } from './request.ts';

/** A route answers a value for JSON, or a text, or the URL where the answer lies. */
export type Answer =
  | {
      readonly json: unknown;
      /** Absent: 200. */
      readonly status?: 202;
    }
  | { readonly text: string }
  | { readonly redirect: string };

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `{name}` stands for one part of the path. */
  readonly path: string;
  /** Who may call it; absent: anybody, without a key. */
  readonly roles?: readonly Role[];
  readonly handle: (request: ApiRequest) => Promise<Answer>;
}

export { ingesters } from '../../shared/domain/api-key.ts';
/** What a client asks before it sends or reads anything. */
export const keyHolders: readonly Role[] = roles;
export const readers: readonly Role[] = ['read', 'write', 'admin'];
/** Traces and what is said about them, experiments and runs, but not what watches them. */
export const writers: readonly Role[] = ['write', 'admin'];
export const admins: readonly Role[] = ['admin'];

/** Makes the routes below a path whose handlers answer a value for JSON. */
export function jsonRoutes<Deps>(base: string, deps: Deps) {
  return (
    [method, path]: readonly [Route['method'], string],
    roles: readonly Role[],
    handle: (request: ApiRequest, deps: Deps) => Promise<unknown>,
  ): Route => ({
    method,
    path: `${base}${path}`,
    roles,
    handle: async (request) => ({ json: await handle(request, deps) }),
  });
}

export interface MatchedRoute {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds routes by method and path; MLflow's pages ask under /ajax-api for what its clients ask under /api. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => MatchedRoute | undefined {
  const compiled = routes.map((route) => ({ route, pattern: toPattern(route.path) }));
  return (method, rawPath) => {
    const path = rawPath.replace(/^\/ajax-api\//, '/api/');
    for (const { route, pattern } of compiled) {
      const match = route.method === method ? pattern.exec(path) : null;
      if (match) return { route, parameters: decoded(match.groups ?? {}) };
    }
    return undefined;
  };
}

function toPattern(path: string): RegExp {
  const escaped = path.replace(/[.]/g, '\\.').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return new RegExp(`^${escaped}/?$`);
}

function decoded(groups: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    throw new ApiError('INVALID_PARAMETER_VALUE', 'the path is not percent-encoded UTF-8');
  }
}
