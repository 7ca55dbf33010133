import { createHash } from 'node:crypto';
import type { APIGatewayRequestAuthorizerEventV2, APIGatewaySimpleAuthorizerWithContextResult } from 'aws-lambda';
import { readKey } from '../../shared/contracts/read-key.ts';
import type { ApiKey } from '../../shared/domain/api-key.ts';
import type { KeyStore } from '../../shared/domain/ports.ts';

/** API Gateway carries strings only. `experimentIds` is comma-joined; empty: all. */
export type AuthorizerContext =
  | { decision: 'allowed'; role: ApiKey['role']; experimentIds: string; keyName: string }
  | { decision: 'denied' };

/**
 * Decides who calls, by API key. A wrong key is let through as `denied`: the gateway's own refusal has a body that neither OTLP
 * exporters nor MLflow clients understand, so the function behind it answers.
 */
export function createHandler(
  keys: Pick<KeyStore, 'get'>,
): (
  event: Pick<APIGatewayRequestAuthorizerEventV2, 'headers'>,
) => Promise<APIGatewaySimpleAuthorizerWithContextResult<AuthorizerContext>> {
  return async ({ headers }) => ({ isAuthorized: true, context: await authorize(headers?.authorization, keys) });
}

async function authorize(authorization: string | undefined, keys: Pick<KeyStore, 'get'>): Promise<AuthorizerContext> {
  const secret = readKey(authorization);
  const key = secret && (await keys.get(createHash('sha256').update(secret).digest('hex')));
  if (!key) return { decision: 'denied' };
  return { decision: 'allowed', role: key.role, experimentIds: key.experimentIds.join(','), keyName: key.name };
}
