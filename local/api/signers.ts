import type { LocalFunction } from '../lambda/functions.ts';
import { accountId } from '../template/physical-names.ts';
import type { Signer } from './signature.ts';

/** Who can sign requests on this machine: its user, and the functions with the rights of their roles. */
export function signersOf(
  user: { accessKeyId: string; secretAccessKey: string },
  functions: readonly LocalFunction[],
): ReadonlyMap<string, Signer> {
  const roles = functions.map(({ accessKeyId, spec, statements }): [string, Signer] => [
    accessKeyId,
    {
      secretAccessKey: spec.environment.AWS_SECRET_ACCESS_KEY ?? '',
      userArn: `arn:aws:sts::${accountId}:assumed-role/${spec.name}/local`,
      statements,
    },
  ]);
  const { secretAccessKey } = user;
  return new Map([[user.accessKeyId, { secretAccessKey, userArn: `arn:aws:iam::${accountId}:user/local` }], ...roles]);
}
