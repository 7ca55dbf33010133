import { findEmails, findPhones } from './contact.ts';
import { findCreditCards } from './credit-card.ts';
import { findIbans } from './iban.ts';
import { findIpAddresses, findSsns } from './identity.ts';
import type { PiiFinder, PiiFinding, PiiKind } from './pii-kind.ts';
import { findSecrets } from './secrets.ts';

/** The surest first: what has been found as one kind is not found again, or in part, as another. */
const finders = {
  secret: findSecrets,
  iban: findIbans,
  credit_card: findCreditCards,
  ssn: findSsns,
  email: findEmails,
  ip_address: findIpAddresses,
  phone: findPhones,
} as const satisfies Record<PiiKind, PiiFinder>;

/** A text full of addresses is not made clearer by all of them: so many distinct ones are found, and no more. */
export const maxPerKind = 100;

/** Personal data and secrets in a text, kind by kind, each value once. Takes time linear in the text. */
export function findPii(text: string, kinds: readonly PiiKind[]): readonly PiiFinding[] {
  const found: PiiFinding[] = [];
  for (const [kind, find] of Object.entries(finders)) {
    if (kinds.some((wanted) => wanted === kind)) found.push(...distinct(find(text), { text, found }));
  }
  return found;
}

function distinct(
  findings: Iterable<PiiFinding>,
  { text, found }: { text: string; found: readonly PiiFinding[] },
): PiiFinding[] {
  const byValue = new Map<string, PiiFinding>();
  for (const finding of findings) {
    if (byValue.size >= maxPerKind) break;
    const earlier = [...found, ...byValue.values()];
    if (earlier.some(({ start, end }) => finding.start < end && start < finding.end)) continue;
    const value = text.slice(finding.start, finding.end).toLowerCase();
    if (!byValue.has(value)) byValue.set(value, finding);
  }
  return [...byValue.values()];
}
