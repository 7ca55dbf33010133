/** Who calls: `ingest` sends traces, `read` reads, `admin` does everything. */
export type Role = 'ingest' | 'read' | 'admin';

export interface ApiKey {
  readonly role: Role;
  /** Experiments it is limited to; empty: all. */
  readonly experimentIds: readonly string[];
  readonly name: string;
  /** Epoch ms. */
  readonly createdAt: number;
}
