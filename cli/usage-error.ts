import { AssayError } from '../sdk/index.ts';

/** What the user can mend; its message is all that is printed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A mistake of the user, or what the API, AWS or its SDK refuses: credentials, region, permissions. Not a fault of the program. */
export function isMendable(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return isOurs(error) || '$metadata' in error || /^(Credentials|Token)ProviderError$/.test(error.name);
}

function isOurs(error: Error): boolean {
  return error instanceof UsageError || error instanceof AssayError;
}

/** What is printed of it. */
export function explained(error: Error): string {
  if (!(error instanceof AssayError) || error.request === undefined) return error.message;
  if (error.status === undefined) return error.message;
  return `${error.request}: ${error.status} ${error.code}: ${error.message}`;
}
