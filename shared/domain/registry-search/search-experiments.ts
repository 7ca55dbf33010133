import type { Experiment } from '../experiment.ts';
import { InvalidFilterError } from '../filter/invalid-filter-error.ts';
import { fromPageToken, toPageToken } from '../page-token.ts';
import { compileFilter } from './compile-filter.ts';
import { compareBy, parseOrder } from './compile-order.ts';
import { keyedTexts, numberAttribute, textAttribute, type Vocabulary } from './vocabulary.ts';

export type ViewType = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL';

export interface ExperimentQuery {
  readonly viewType: ViewType;
  readonly filter?: string | null | undefined;
  readonly orderBy: readonly string[];
  readonly limit: number;
  readonly cursor?: string | null | undefined;
}

const tags = keyedTexts('tag', (experiment: Experiment) => experiment.tags);
const vocabulary: Vocabulary<Experiment> = {
  attributes: {
    name: textAttribute(({ name }) => name),
    experiment_id: { type: 'text', read: (one) => one.experimentId, comparators: ['=', '!=', 'IN', 'NOT IN'] },
    creation_time: numberAttribute(({ createdAt }) => createdAt),
    last_update_time: numberAttribute(({ updatedAt }) => updatedAt),
  },
  keyed: { tag: tags, tags },
};

/** Ids are texts in filters, and numbers in an order. */
const orderVocabulary: Vocabulary<Experiment> = {
  ...vocabulary,
  attributes: { ...vocabulary.attributes, experiment_id: numberAttribute((one) => Number(one.experimentId)) },
};

/** A page of the experiments that match; the newest first where no order is wanted. The cursor names the last one seen: what is created meanwhile shifts nothing. */
export function searchExperiments(
  experiments: readonly Experiment[],
  query: ExperimentQuery,
): { experiments: readonly Experiment[]; cursor?: string } {
  const matches = compileFilter(query.filter, vocabulary);
  const compare = orderOf(query.orderBy);
  const after = query.cursor ? fromCursor(query.cursor) : undefined;
  const found = experiments
    .filter((one) => isInView(one, query.viewType) && matches(one) && (!after || compare(one, after) > 0))
    .toSorted(compare);
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  return { experiments: page, ...(last && found.length > page.length && { cursor: toCursor(last) }) };
}

export function isInView({ lifecycleStage }: Pick<Experiment, 'lifecycleStage'>, viewType: ViewType): boolean {
  return viewType === 'ALL' || (lifecycleStage === 'active') === (viewType === 'ACTIVE_ONLY');
}

/** Equal ones by id, the greater first, as MLflow does. */
function orderOf(orderBy: readonly string[]): (a: Experiment, b: Experiment) => number {
  const terms = parseOrder(orderBy.length > 0 ? orderBy : ['creation_time DESC', 'experiment_id ASC'], orderVocabulary);
  const other = terms.find(({ entity }) => entity !== 'attribute');
  if (other) throw new InvalidFilterError(`Invalid order_by entity: ${other.entity}`);
  return compareBy([...terms, ...parseOrder(['experiment_id DESC'], orderVocabulary)]);
}

function toCursor({ experimentId, name, createdAt, updatedAt }: Experiment): string {
  return toPageToken(JSON.stringify({ after: { experimentId, name, createdAt, updatedAt } }));
}

function fromCursor(cursor: string): Experiment {
  return fromPageToken(cursor, (json): Experiment | undefined => {
    const { after } = JSON.parse(json) as { after: Experiment };
    const isWhole =
      typeof after.experimentId === 'string' &&
      typeof after.name === 'string' &&
      typeof after.createdAt === 'number' &&
      typeof after.updatedAt === 'number';
    return isWhole ? { ...after, lifecycleStage: 'active', tags: {} } : undefined;
  });
}
