import { createHash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import type { Inbox } from '../../domain/ports.ts';
import type { ContentEncoding, SpansMessage } from '../arrival-message.ts';

/** Plain bodies above this are compressed: SQS bills every 64 KB, and base64 makes 4 bytes of 3. */
const compressAboveBytes = 16 * 1024;

/** Longer texts lie in the inbox. A message holds 1 MiB, but an invocation of the reader only 6 MB in all. */
const maxInlineLength = 512 * 1024;

const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export interface AcceptedBody {
  readonly bytes: Uint8Array;
  /** The same, where the request already had it so. */
  readonly base64?: string;
  readonly encoding: ContentEncoding;
  readonly format: SpansMessage['format'];
  readonly experimentId: string;
}

export interface HandOverDeps {
  readonly queue: { send(message: SpansMessage): Promise<void> };
  readonly inbox: Pick<Inbox, 'put'>;
}

/** Hands a checked body to the arrivals queue: once this returns, it is stored or will be. One call, two where the body is large. */
export async function handOver(accepted: AcceptedBody, receivedAt: number, deps: HandOverDeps): Promise<void> {
  const { bytes, encoding, base64 } = compressPlain(accepted);
  const { experimentId, format } = accepted;
  const message = { v: 1, kind: 'spans', experimentId, receivedAt, format, encoding } as const;
  if (Math.ceil(bytes.length / 3) * 4 > maxInlineLength) {
    const inboxKey = `inbox/${new Date(receivedAt).toISOString().slice(0, 10)}/${createHash('sha256').update(bytes).digest('hex')}`;
    await deps.inbox.put(inboxKey, bytes);
    await deps.queue.send({ ...message, inboxKey });
  } else {
    await deps.queue.send({ ...message, body: base64 ?? Buffer.from(bytes).toString('base64') });
  }
}

function compressPlain(body: AcceptedBody): Pick<AcceptedBody, 'bytes' | 'encoding' | 'base64'> {
  if (body.encoding !== 'identity' || body.bytes.length <= compressAboveBytes) return body;
  return { bytes: zstdCompressSync(body.bytes, fastest), encoding: 'zstd' };
}
