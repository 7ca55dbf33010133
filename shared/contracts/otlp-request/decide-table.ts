import { ApiError } from '../../domain/api-error.ts';
import { otelTableTag, readTableName } from '../../domain/experiment-tags.ts';
import type { Caller } from '../gateway-call.ts';
import { requireSender } from './decide-experiment.ts';
import type { KnownTables } from './known-tables.ts';
import type { Headers } from './negotiate-content.ts';
import { RefusedRequest } from './refused-request.ts';

const tableHeader = 'x-databricks-uc-table-name';

/** Tables that an error names, at most. */
const maxNamed = 20;

/**
 * The experiment that answers to the table in the header, as Databricks' exporters name it.
 * Throws RefusedRequest: 401 and 403 as decideExperiment does, 400 where no table is named, 404 where none that the key opens
 * answers to it.
 */
export async function decideByTable(
  headers: Headers,
  caller: Caller | undefined,
  tables: KnownTables,
): Promise<string> {
  const { experimentIds: allowed } = requireSender(caller);
  const isOpen = (experimentId: string) => allowed.length === 0 || allowed.includes(experimentId);
  const table = readTable(headers[tableHeader]?.trim() ?? '');
  const experimentId = await tables.experimentOf(table);
  if (experimentId !== undefined && isOpen(experimentId)) return experimentId;
  const known = (await tables.list()).filter((one) => isOpen(one.experimentId)).map((one) => one.table);
  throw new RefusedRequest(404, `no experiment that this key opens answers to table ${table}: ${describe(known)}`);
}

function readTable(text: string): string {
  if (text === '') {
    throw new RefusedRequest(
      400,
      `header ${tableHeader} is missing: send catalog.schema.table, as the tag ${otelTableTag} of the experiment names it`,
    );
  }
  try {
    return readTableName(text);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new RefusedRequest(400, `header ${tableHeader}: ${error.message}`, { cause: error });
  }
}

function describe(known: readonly string[]): string {
  if (known.length === 0) return `none is known yet; name it in the tag ${otelTableTag} of an experiment`;
  const more = known.length > maxNamed ? ` and ${known.length - maxNamed} more` : '';
  return `known are ${known.slice(0, maxNamed).join(', ')}${more}`;
}
