import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Role, roles, type StoredKey } from '../../shared/domain/api-key.ts';
import type { Connection } from '../connection.ts';
import { createKey, revokeKey, shortHash } from '../keys.ts';
import { type Print, tableOrNone } from '../print.ts';

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
    .option('--rate-limit <n>', 'requests a second that it may make (default: as many as the API takes)', toRateLimit)
    .action(async ({ role, experiment = [], name, rateLimit }: CreateOptions) => {
      const deps = { keys: await connection().keys(), now: Date.now };
      const key = await createKey({ role, name, experimentIds: experiment, rateLimit }, deps);
      print({ json: { key, role, name, experiment_ids: experiment, rate_limit: rateLimit }, text: key });
    });
  keys
    .command('list')
    .description('the keys that work, by name and hash; the keys themselves are kept nowhere')
    .action(async () => {
      const all = await (await connection().keys()).list();
      print({
        json: all.map(toJson),
        text: tableOrNone(columns, all.map(toRow), 'no keys: "assay init" makes the first'),
      });
    });
  keys
    .command('revoke')
    .description('end a key; it works for up to 60 seconds more, as long as its last check is remembered')
    .argument('<name|hash>', 'its name, or the beginning of its hash')
    .action(async (which: string) => {
      const key = await revokeKey(which, await connection().keys());
      print({ json: toJson(key), text: `revoked ${key.name} (${shortHash(key)}): refused within 60 seconds` });
    });
}

interface CreateOptions {
  readonly role: Role;
  readonly experiment?: readonly string[];
  readonly name: string;
  readonly rateLimit?: number;
}

function toRateLimit(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number of requests a second above 0');
}

const columns = ['hash', 'name', 'role', 'experiments', 'a second', 'created'];

function toRow(key: StoredKey): readonly string[] {
  const { name, role, experimentIds, rateLimit, createdAt } = key;
  const experiments = experimentIds.length === 0 ? 'all' : experimentIds.join(' ');
  return [shortHash(key), name, role, experiments, String(rateLimit ?? '-'), new Date(createdAt).toISOString()];
}

function toJson({ hash, name, role, experimentIds, rateLimit, createdAt }: StoredKey): object {
  return { hash, name, role, experiment_ids: experimentIds, rate_limit: rateLimit, created_at: createdAt };
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
