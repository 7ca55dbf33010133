/** Who calls: `ingest` sends traces, `read` reads, `write` does both and changes what is known of them, `admin` does everything. */
export const roles = ['ingest', 'read', 'write', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Those who send traces, over OTLP or MLflow's REST API. */
export const ingesters: readonly Role[] = ['ingest', 'write', 'admin'];

export interface ApiKey {
  readonly role: Role;
  /** Experiments it is limited to; empty: all. */
  readonly experimentIds: readonly string[];
  readonly name: string;
  /** Requests a second; absent: as many as the stage takes. */
  readonly rateLimit?: number | undefined;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** A key as it is kept: by the lower-case hex sha256 of its secret. */
export interface StoredKey extends ApiKey {
  readonly hash: string;
}
