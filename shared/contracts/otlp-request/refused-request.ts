/** gRPC codes that the refusals of this function carry in their google.rpc.Status, by HTTP status. */
const grpcCodes = { 400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 3, 415: 3, 429: 8, 503: 14 } as const;

export type RefusalStatus = keyof typeof grpcCodes;

/** The whole request is answered with an error; the message tells the caller what to do. Nothing of it was stored. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest';
  readonly status: RefusalStatus;
  readonly grpcCode: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: RefusalStatus,
    message: string,
    options: { headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.status = status;
    this.grpcCode = grpcCodes[status];
    this.headers = options.headers ?? {};
  }
}
