import { createHash } from 'node:crypto';
import type { APIGatewayRequestAuthorizerEventV2, APIGatewaySimpleAuthorizerWithContextResult } from 'aws-lambda';
import type { KeyContext } from '../../shared/contracts/gateway-call.ts';
import { readKey } from '../../shared/contracts/read-key.ts';
import type { KeyStore } from '../../shared/domain/ports.ts';

/**
 * Decides who calls, by API key. A wrong key is let through as `denied`: the gateway's own refusal has a body that neither OTLP
 * exporters nor MLflow clients understand, so the function behind it answers.
 */
export function createHandler(
  keys: Pick<KeyStore, 'get'>,
): (
  event: Pick<APIGatewayRequestAuthorizerEventV2, 'headers'>,
) => Promise<APIGatewaySimpleAuthorizerWithContextResult<KeyContext>> {
  return async ({ headers }) => ({ isAuthorized: true, context: await authorize(headers?.authorization, keys) });
}

async function authorize(authorization: string | undefined, keys: Pick<KeyStore, 'get'>): Promise<KeyContext> {
  const secret = readKey(authorization);
  if (!secret) return { decision: 'denied' };
  const keyHash = createHash('sha256').update(secret).digest('hex');
  const key = await keys.get(keyHash);
  if (!key) return { decision: 'denied' };
  const { role, name: keyName, experimentIds, rateLimit } = key;
  const limit = rateLimit !== undefined && { keyHash, rateLimit: String(rateLimit) };
  return { decision: 'allowed', role, experimentIds: experimentIds.join(','), keyName, ...limit };
}
