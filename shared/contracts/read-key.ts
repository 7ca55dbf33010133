/** The API key of an `Authorization` header: Bearer, or the password of Basic, whose user name does not matter. */
export function readKey(authorization: string | undefined): string | undefined {
  const [, scheme, credentials] = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization ?? '') ?? [];
  if (!scheme || !credentials) return undefined;
  return scheme.toLowerCase() === 'bearer' ? credentials : passwordOf(credentials);
}

/** RFC 7617: base64 of `user:password`; the user name has no colon. */
function passwordOf(credentials: string): string | undefined {
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : text.slice(colon + 1) || undefined;
}
