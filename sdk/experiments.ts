import type { Context } from './context.ts';
import { type Paged, paged } from './paged.ts';
import type { CallOptions } from './transport.ts';

export interface Experiment {
  readonly experiment_id: string;
  readonly name: string;
  readonly artifact_location: string;
  readonly lifecycle_stage: 'active' | 'deleted';
  /** Epoch ms. */
  readonly creation_time: number;
  readonly last_update_time: number;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

export interface Experiments {
  /** Answers its id. */
  create(name: string, options?: CallOptions): Promise<string>;
  /** Those that are active. */
  search(options?: { readonly filter?: string | undefined } & CallOptions): Paged<Experiment>;
}

const base = '/api/2.0/mlflow/experiments';

export function experiments({ send }: Context): Experiments {
  return Object.freeze({
    async create(name, { signal } = {}) {
      const { json } = await send<{ experiment_id: string }>({
        method: 'POST',
        path: `${base}/create`,
        body: { name },
        signal,
      });
      return json.experiment_id;
    },
    search: ({ filter, signal } = {}) =>
      paged(async (page_token) => {
        const { json } = await send<{ experiments: readonly Experiment[]; next_page_token?: string }>({
          method: 'POST',
          path: `${base}/search`,
          body: { filter, page_token },
          isRepeatable: true,
          signal,
        });
        return { items: json.experiments, nextToken: json.next_page_token };
      }),
  } satisfies Experiments);
}
