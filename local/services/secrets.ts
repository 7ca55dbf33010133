import { readFileSync } from 'node:fs';
import { AwsError } from '../gateway/aws-error.ts';
import type { InProcessService } from '../gateway/gateway.ts';

/** Secrets Manager's GetSecretValue out of a JSON file of names and values, read with every call so that a key can be replaced. */
export function secretsService(file: string | undefined): InProcessService {
  return async (operation, { SecretId }) => {
    if (operation !== 'GetSecretValue')
      throw new AwsError('InvalidRequestException', `the local Secrets Manager has no ${operation}`);
    const secrets = file === undefined ? {} : (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>);
    const name = nameOf(String(SecretId));
    const value = secrets[name];
    if (typeof value !== 'string')
      throw new AwsError(
        'ResourceNotFoundException',
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
      );
    return { Name: name, SecretString: value, VersionStages: ['AWSCURRENT'] };
  };
}

/** An ARN ends with the name and six random characters. */
function nameOf(id: string): string {
  return /^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)-[^-]{6}$/.exec(id)?.[1] ?? id;
}
