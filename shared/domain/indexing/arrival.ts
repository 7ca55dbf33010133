/** One accepted request: the spans it brought, by trace. */
export interface Arrival {
  readonly experimentId: string;
  /** Epoch ms. */
  readonly receivedAt: number;
  readonly traces: readonly ArrivedTrace[];
}

interface ArrivedTrace {
  readonly traceId: string;
  /** The trace's part of the request as an OTLP TracesData message. */
  readonly tracesData: Uint8Array;
}
