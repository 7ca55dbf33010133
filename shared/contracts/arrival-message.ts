import * as z from 'zod';

/** Content codings of an OTLP body that receive-traces accepts. */
export const contentEncodings = ['identity', 'gzip', 'deflate', 'zstd'] as const;
export type ContentEncoding = (typeof contentEncodings)[number];

const spansMessage = z.object({
  v: z.literal(1),
  kind: z.literal('spans'),
  experimentId: z.string(),
  /** Epoch ms. */
  receivedAt: z.number(),
  format: z.enum(['protobuf', 'json']),
  encoding: z.enum(contentEncodings),
  /** The body as it came, base64; or the key under which it lies in the trace store. */
  body: z.string().optional(),
  inboxKey: z.string().optional(),
});

const settleMessage = z.object({
  v: z.literal(1),
  kind: z.literal('settle'),
  traceId: z.string(),
});

/** What lies in the arrivals queue. */
export const arrivalMessage = z.discriminatedUnion('kind', [spansMessage, settleMessage]);

export type SpansMessage = z.infer<typeof spansMessage>;
export type SettleMessage = z.infer<typeof settleMessage>;
export type ArrivalMessage = z.infer<typeof arrivalMessage>;
