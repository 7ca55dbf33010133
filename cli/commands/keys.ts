import { type Command, Option } from 'commander';
import { type Role, roles } from '../../shared/domain/api-key.ts';
import type { Connection } from '../connection.ts';
import { createKey } from '../keys.ts';
import type { Print } from '../print.ts';

/** Keys are made in the registry itself, with the credentials of the AWS account: the first one has no key to ask with. */
export function addKeyCommands(
  program: Command,
  { connection, print }: { connection: () => Connection; print: Print },
): void {
  const keys = program.command('keys').description('API keys');
  keys
    .command('create')
    .description('make a key; it is shown once and kept nowhere')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
    .option('--experiment <id...>', 'experiments it is limited to (default: all)')
    .option('--name <name>', 'what it is for', 'unnamed')
    .action(async ({ role, experiment = [], name }: { role: Role; experiment?: string[]; name: string }) => {
      const deps = { keys: await connection().keys(), now: Date.now };
      const key = await createKey({ role, name, experimentIds: experiment }, deps);
      print({ json: { key, role, name, experiment_ids: experiment }, text: key });
    });
}

/** What a new deployment needs once. */
export function addInitCommand(
  program: Command,
  { connection, print }: { connection: () => Connection; print: Print },
): void {
  program
    .command('init')
    .description('after the first deployment: create the SQL views, make the first admin key')
    .action(async () => {
      const archive = await connection().archive();
      await archive.createViews();
      archive.close();
      const deps = { keys: await connection().keys(), now: Date.now };
      const key = await createKey({ role: 'admin', name: 'first admin key', experimentIds: [] }, deps);
      print({ json: { key, role: 'admin' }, text: `views created\nadmin key (shown once): ${key}` });
    });
}
