import { keyHolders, type Route } from '../router.ts';

/** MLflow's clients send spans to servers from 3.4 on; what is answered must parse as a version. */
const mlflowVersion = '3.10.0';

export function statusRoutes(): readonly Route[] {
  return [
    { method: 'GET', path: '/health', handle: async () => ({ text: 'OK' }) },
    { method: 'GET', path: '/version', handle: async () => ({ text: mlflowVersion }) },
    {
      method: 'GET',
      path: '/api/3.0/mlflow/server-info',
      roles: keyHolders,
      handle: async () => ({ json: serverInfo }),
    },
  ];
}

const serverInfo = {
  store_type: 'Assay',
  workspaces_enabled: false,
  trace_archival_enabled: false,
  multipart_uploads_enabled: false,
  multipart_downloads_enabled: false,
};
