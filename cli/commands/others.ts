import type { Command } from 'commander';
import { createClient } from '../../sdk/index.ts';
import type { Connection } from '../connection.ts';
import { type Print, tableOrNone } from '../print.ts';
import { UsageError } from '../usage-error.ts';

export function addExperimentCommands(
  program: Command,
  { connection, print }: { connection: () => Connection; print: Print },
): void {
  const experiments = program
    .command('experiments')
    .description('experiments: what traces, scorers and keys belong to');
  experiments
    .command('create <name>')
    .description('create an experiment')
    .action(async (name: string) => {
      const id = await connection().client().experiments.create(name);
      print({ json: { experiment_id: id }, text: `created experiment ${id}: ${name}` });
    });
  experiments
    .command('list')
    .description('experiments that are active')
    .action(async () => {
      const found = await connection().client().experiments.search().toArray();
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
      await createClient({ url }).health();
      print({ json: { url, healthy: true }, text: `${url} is healthy` });
    });
}
