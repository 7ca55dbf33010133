/** A statement of an identity policy, as much of it as the template uses. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
}

/** One thing that a call does: an IAM action on one resource. */
export interface Access {
  readonly action: string;
  readonly resource: string;
}

/** Whether the statements allow it: some allow, none denies. Source: IAM user guide, "Policy evaluation logic". */
export function isAllowed(access: Access, statements: readonly Statement[]): boolean {
  const applying = statements.filter((statement) => applies(statement, access));
  return applying.some(({ Effect }) => Effect === 'Allow') && !applying.some(({ Effect }) => Effect === 'Deny');
}

function applies({ Action, NotAction, Resource = '*' }: Statement, { action, resource }: Access): boolean {
  const names =
    Action === undefined ? !matchesAny(list(NotAction ?? []), action, 'i') : matchesAny(list(Action), action, 'i');
  return names && matchesAny(list(Resource), resource, '');
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

const compiled = new Map<string, RegExp>();

/** `*` stands for any text, `?` for one character; actions do not care for case, resources do. */
function matchesAny(patterns: readonly string[], text: string, flags: '' | 'i'): boolean {
  return patterns.some((pattern) => {
    const key = `${flags}/${pattern}`;
    const known = compiled.get(key);
    if (known) return known.test(text);
    const escaped = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    const regex = new RegExp(`^${escaped}$`, `${flags}s`);
    compiled.set(key, regex);
    return regex.test(text);
  });
}
