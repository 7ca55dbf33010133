import type { Command } from 'commander';
import { urlOf } from '../client.ts';
import type { Connection } from '../connection.ts';
import { type Print, tableOrNone } from '../print.ts';
import { UsageError } from '../usage-error.ts';

interface Experiment {
  readonly experiment_id: string;
  readonly name: string;
}

export function addExperimentCommands(
  program: Command,
  { connection, print }: { connection: () => Connection; print: Print },
): void {
  const experiments = program
    .command('experiments')
    .description('experiments: what traces, scorers and keys belong to');
  const base = '/api/2.0/mlflow/experiments';
  experiments
    .command('create <name>')
    .description('create an experiment')
    .action(async (name: string) => {
      const created = await connection().client().call<{ experiment_id: string }>('POST', `${base}/create`, { name });
      print({ json: created, text: `created experiment ${created.experiment_id}: ${name}` });
    });
  experiments
    .command('list')
    .description('experiments that are active')
    .action(async () => {
      const { experiments: found } = await connection()
        .client()
        .call<{ experiments: Experiment[] }>('POST', `${base}/search`, {});
      const rows = found.map((experiment) => [experiment.experiment_id, experiment.name]);
      print({ json: found, text: tableOrNone(['id', 'name'], rows, 'no experiments') });
    });
}

export function addSqlCommand(
  program: Command,
  { connection, print }: { connection: () => Connection; print: Print },
): void {
  program
    .command('sql <query>')
    .description('ask the Parquet archive, e.g. "SELECT count(*) FROM traces_current"')
    .action(async (query: string) => {
      const archive = await connection().archive();
      try {
        const { columns, rows } = await archive.query(query);
        const json = rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])));
        print({
          json,
          text: tableOrNone(
            columns,
            rows.map((row) => row.map((value) => value ?? '')),
            'no rows',
          ),
        });
      } catch (error) {
        throw new UsageError((error as Error).message);
      } finally {
        archive.close();
      }
    });
}

export function addHealthCommand(
  program: Command,
  { connection, print }: { connection: () => Connection; print: Print },
): void {
  program
    .command('health')
    .description('whether the API answers')
    .action(async () => {
      const url = connection().apiUrl();
      const response = await fetch(urlOf('/health', url)).catch((error: Error) => {
        throw new UsageError(`${url} does not answer: ${(error.cause as Error | undefined)?.message ?? error.message}`);
      });
      if (!response.ok) throw new UsageError(`${url}/health answers ${response.status}`);
      print({ json: { url, healthy: true }, text: `${url} is healthy` });
    });
}
