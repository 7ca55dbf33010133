/** What a state machine can do with AWS, under its role. Each throws AwsCallError. */
export interface RoleCalls {
  /** Lambda's Invoke. */
  invoke(functionName: string, payload: string): Promise<{ functionError: string | undefined; payload: string }>;
  getObject(bucket: string, key: string): Promise<Uint8Array>;
  listObjects(bucket: string, prefix: string): Promise<readonly ListedObject[]>;
  putObject(bucket: string, key: string, body: string): Promise<void>;
  /** An operation of a service that speaks JSON: its name as in the signature, the operation in Pascal case. */
  call(service: string, operation: string, input: unknown): Promise<unknown>;
  /** A distributed map starts its children as the machine itself. */
  startChildren(): Promise<void>;
}

/** As a listing gives it to a map: Step Functions developer guide, "ItemReader (Map)". */
export interface ListedObject {
  readonly Etag: string;
  readonly Key: string;
  /** Seconds since the epoch. */
  readonly LastModified: number;
  readonly Size: number;
  readonly StorageClass: string;
}

/** AWS refused a call. */
export class AwsCallError extends Error {
  override readonly name = 'AwsCallError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, { message, status }: { message: string; status: number }) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
