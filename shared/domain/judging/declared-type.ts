import type { ResultType } from './answer/result-type.ts';
import { readYesNo } from './answer/yes-no.ts';
import type { EnsembleMember } from './definition.ts';

/** What a member's value is bound to be; undefined where only its running tells. */
export function declaredType(member: EnsembleMember): ResultType | undefined {
  switch (member.kind) {
    case 'scorer':
    case 'ensemble':
      return undefined;
    case 'instructions':
      return member.resultType;
    case 'custom-prompt':
      return member.numericValues ? { kind: 'number' } : undefined;
    case 'builtin':
      return member.className === 'UserFrustration'
        ? { kind: 'choice', values: ['none', 'resolved', 'unresolved'] }
        : { kind: 'rating' };
    default:
      return { kind: 'rating' };
  }
}

export function isNumeric(type: ResultType): boolean {
  if (type.kind === 'choice') return type.values.every((value) => typeof value !== 'string');
  return type.kind === 'number' || type.kind === 'integer' || type.kind === 'boolean';
}

export function isYesNo(type: ResultType): boolean {
  if (type.kind === 'choice') return type.values.every((value) => readYesNo(value) !== undefined);
  return type.kind === 'rating' || type.kind === 'boolean';
}
