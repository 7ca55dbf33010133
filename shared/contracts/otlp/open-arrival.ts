import type { Arrival } from '../../domain/indexing/arrival.ts';
import type { Inbox } from '../../domain/ports.ts';
import type { SpansMessage } from '../arrival-message.ts';
import { decompressBody, maxBodyBytes } from './decompress.ts';
import { otlpJsonToProtobuf } from './from-json.ts';
import { walkTracesRequest } from './walk-request.ts';

/** The spans that an arrival message carries or points to. The same spans are refused as at the door: one code decides. */
export async function openArrival(message: SpansMessage, inbox: Pick<Inbox, 'get'>): Promise<Arrival> {
  const { experimentId, receivedAt } = message;
  const body = decompressBody(await bodyOf(message, inbox), message.encoding, { maxBytes: maxBodyBytes });
  const request = message.format === 'json' ? otlpJsonToProtobuf(Buffer.from(body).toString('utf8')).body : body;
  const traces = walkTracesRequest(request).traces.map((trace) => ({
    traceId: trace.traceId,
    tracesData: trace.tracesData(),
  }));
  return { experimentId, receivedAt, traces };
}

async function bodyOf({ body, inboxKey }: SpansMessage, inbox: Pick<Inbox, 'get'>): Promise<Uint8Array> {
  if (body !== undefined) return Buffer.from(body, 'base64');
  if (inboxKey !== undefined) return inbox.get(inboxKey);
  throw new Error('an arrival message has neither a body nor an inbox key');
}
