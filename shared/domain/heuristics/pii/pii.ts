import type { PiiDefinition } from '../definition.ts';
import { cannotJudge, type Heuristic, noOutputs, verdict } from '../heuristic.ts';
import { allText } from '../response-text.ts';
import { findPii, maxPerKind } from './find-pii.ts';
import type { PiiFinding } from './pii-kind.ts';

/**
 * Passes where no personal data and no secret is in the outputs (or inputs), wherever in them. The rationale says what kinds
 * and how many, with masked samples: it must not become a second place where the data lies.
 */
export function pii({ kinds, where }: PiiDefinition): Heuristic {
  return ({ inputs, outputs }) => {
    const value = where === 'inputs' ? inputs : outputs;
    if (value === undefined || value === null) {
      return where === 'inputs' ? cannotJudge('NO_INPUTS', 'the root span has no inputs to judge') : noOutputs();
    }
    const found = findPii(allText(value), kinds);
    if (found.length === 0) return verdict(true, `No personal data or secrets found in the ${where}.`);
    return verdict(false, `Found in the ${where}: ${describe(found)}.`);
  };
}

/** `2 e-mail addresses (a…@e….com, b…@e….com), 1 AWS access key (AKIA…)`. */
function describe(found: readonly PiiFinding[]): string {
  const byLabel = Map.groupBy(found, ({ label }) => label);
  return [...byLabel]
    .map(
      ([label, findings]) =>
        `${findings.length >= maxPerKind ? 'at least ' : ''}${findings.length} ${plural(label, findings.length)}${samples(findings)}`,
    )
    .join(', ');
}

const maxSamples = 2;

function samples(findings: readonly PiiFinding[]): string {
  const masked = findings.map((finding) => finding.masked).filter((text) => text !== '');
  if (masked.length === 0) return '';
  return ` (${masked.slice(0, maxSamples).join(', ')}${masked.length > maxSamples ? ', …' : ''})`;
}

function plural(label: string, count: number): string {
  if (count === 1) return label;
  if (label.startsWith('password')) return label.replace('password', 'passwords');
  return label.endsWith('address') ? `${label}es` : `${label}s`;
}
