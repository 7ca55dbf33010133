import { createHash, randomBytes } from 'node:crypto';
import type { ApiKey, StoredKey } from '../shared/domain/api-key.ts';
import type { Clock, KeyStore } from '../shared/domain/ports.ts';
import { UsageError } from './usage-error.ts';

/** Makes a key and stores its hash; the key itself is answered once and kept nowhere. */
export async function createKey(
  wanted: Omit<ApiKey, 'createdAt'>,
  { keys, now }: { keys: Pick<KeyStore, 'put'>; now: Clock },
): Promise<string> {
  const key = `assay_${randomBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(key).digest('hex');
  await keys.put(hash, { ...wanted, createdAt: now() });
  return key;
}

/** Enough of a hash to tell keys apart and to be typed. */
export function shortHash({ hash }: StoredKey): string {
  return hash.slice(0, 12);
}

/** Ends the one key of that name, or whose hash begins so. Throws UsageError where there is none, or more than one. */
export async function revokeKey(which: string, keys: Pick<KeyStore, 'list' | 'remove'>): Promise<StoredKey> {
  const found = (await keys.list()).filter(({ name, hash }) => name === which || isPrefix(which, hash));
  const [key, ...others] = found;
  if (!key)
    throw new UsageError(`no key is named "${which}" or has a hash that begins so: "assay keys list" shows all`);
  if (others.length > 0) {
    const hashes = found.map(shortHash).join(', ');
    throw new UsageError(`"${which}" stands for ${found.length} keys: name one by its hash, of ${hashes}`);
  }
  await keys.remove(key.hash);
  return key;
}

/** Shorter ones are as likely a typing error. */
function isPrefix(text: string, hash: string): boolean {
  return text.length >= 6 && hash.startsWith(text.toLowerCase());
}
