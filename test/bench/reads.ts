import { experimentId, longSession, storedClientRequest, storedSession, storedTraceId } from './stored-traces.ts';

/** A kind of request for traces. */
export interface Read {
  readonly name: string;
  /** CPU ms a request, at most, however many traces are stored. */
  readonly goalCpuMs: number;
  /** The i-th request of its kind, on a store of so many traces. */
  readonly event: (i: number, stored: number) => object;
  /** Traces that it answers. */
  readonly found: number;
}

const api = '/api/3.0/mlflow/traces';

export const reads: readonly Read[] = [
  {
    name: 'trace info by id',
    goalCpuMs: 6,
    event: (i, stored) => get(`${api}/${spreadId(i, stored)}`),
    found: 1,
  },
  {
    name: 'trace with spans by id',
    goalCpuMs: 6,
    event: (i, stored) => get(`${api}/get`, `trace_id=${spreadId(i, stored)}`),
    found: 1,
  },
  { name: 'newest 100', goalCpuMs: 15, event: () => search(), found: 100 },
  {
    name: 'session of 10',
    goalCpuMs: 25,
    event: (i, stored) => search(`metadata.\`mlflow.trace.session\` = '${storedSession(spread(i, stored))}'`),
    found: 10,
  },
  {
    name: 'session of 100',
    goalCpuMs: 25,
    event: () => search(`metadata.\`mlflow.trace.session\` = '${longSession.id}'`),
    found: longSession.traces,
  },
  {
    name: 'client request id',
    goalCpuMs: 25,
    event: (i, stored) => search(`trace.client_request_id = '${storedClientRequest(spread(i, stored))}'`),
    found: 1,
  },
];

/** A page of a search that no index serves and no trace matches. */
export function fruitlessSearch(pageToken?: string): object {
  return search("tags.environment = 'nowhere'", pageToken);
}

/** Some from everywhere in the store, but for the long session. */
function spread(i: number, stored: number): number {
  const at = (i * 7_919) % stored;
  return storedSession(at) === longSession.id ? at - longSession.traces : at;
}

function spreadId(i: number, stored: number): string {
  return storedTraceId(spread(i, stored));
}

function get(path: string, query = ''): object {
  return apiEvent('GET', path, { rawQueryString: query });
}

function search(filter?: string, pageToken?: string): object {
  const body = {
    locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
    max_results: 100,
    ...(filter !== undefined && { filter }),
    ...(pageToken !== undefined && { page_token: pageToken }),
  };
  return apiEvent('POST', `${api}/search`, { body: JSON.stringify(body) });
}

function apiEvent(method: string, path: string, more: object): object {
  return {
    version: '2.0',
    routeKey: `${method} ${path}`,
    rawPath: path,
    rawQueryString: '',
    headers: { 'content-type': 'application/json' },
    requestContext: {
      http: { method, path },
      requestId: 'bench',
      authorizer: { lambda: { decision: 'allowed', role: 'read', experimentIds: '' } },
    },
    isBase64Encoded: false,
    ...more,
  };
}
