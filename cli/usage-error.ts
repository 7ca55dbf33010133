/** What the user can mend; its message is all that is printed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A mistake of the user, or what AWS or its SDK refuses: credentials, region, permissions. Not a fault of the program. */
export function isMendable(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error instanceof UsageError || '$metadata' in error || /^(Credentials|Token)ProviderError$/.test(error.name);
}
