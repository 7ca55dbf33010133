import { createHash, randomBytes } from 'node:crypto';
import type { Role } from '../shared/domain/api-key.ts';
import type { Clock, KeyStore } from '../shared/domain/ports.ts';

export interface NewKey {
  readonly role: Role;
  readonly name: string;
  /** Experiments it is limited to; empty: all. */
  readonly experimentIds: readonly string[];
}

/** Makes a key and stores its hash; the key itself is answered once and kept nowhere. */
export async function createKey(
  { role, name, experimentIds }: NewKey,
  { keys, now }: { keys: Pick<KeyStore, 'put'>; now: Clock },
): Promise<string> {
  const key = `assay_${randomBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(key).digest('hex');
  await keys.put(hash, { role, name, experimentIds, createdAt: now() });
  return key;
}
