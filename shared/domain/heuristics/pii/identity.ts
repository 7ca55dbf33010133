import { isIPv6 } from 'node:net';
import type { PiiFinding } from './pii-kind.ts';

/** The areas 000, 666 and 9xx, the group 00 and the serial 0000 were never issued (SSA). */
const dashed = /(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])/g;
const named =
  /(?<!\w)(?:ssn|social security(?: (?:number|no))?)(?: is)?[ .:#]{0,3}((?!000|666|9)\d{3} ?(?!00)\d{2} ?(?!0000)\d{4})(?![\w-])/gi;

/** US social security numbers: with their dashes, or with their name before them. */
export function* findSsns(text: string): Iterable<PiiFinding> {
  for (const pattern of [dashed, named]) {
    for (const match of text.matchAll(pattern)) {
      const end = match.index + match[0].length;
      yield {
        kind: 'ssn',
        label: 'US social security number',
        start: end - (match[1] ?? match[0]).length,
        end,
        masked: '***-**-****',
      };
    }
  }
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d{2}|[1-9]?\\d)';
/** Not a part of a longer dotted number, nor a product's version (`Chrome/120.0.0.0`). */
const ipv4 = new RegExp(`(?<![\\w.-]|\\w/)(?:${octet}\\.){3}${octet}(?![\\w-]|\\.\\d)`, 'g');
const ipv6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])/gi;
const versionBefore = /(?:\bv|version|release|build|rev|firmware|section|chapter|§)[ .:=]{0,2}$/i;
/** Of no one: unspecified, loopback, network masks. */
const nobodys = /^(?:0\.|127\.|255\.)/;

/** IP addresses, version 4 and 6, as far as they can belong to someone. */
export function* findIpAddresses(text: string): Iterable<PiiFinding> {
  for (const { 0: found, index } of text.matchAll(ipv4)) {
    if (nobodys.test(found) || versionBefore.test(text.slice(Math.max(0, index - 12), index))) continue;
    yield {
      kind: 'ip_address',
      label: 'IP address',
      start: index,
      end: index + found.length,
      masked: `${found.split('.')[0]}.…`,
    };
  }
  for (const { 0: found, index } of text.matchAll(ipv6)) {
    if (!isSomeonesIpv6(found)) continue;
    yield {
      kind: 'ip_address',
      label: 'IP address',
      start: index,
      end: index + found.length,
      masked: `${found.split(':')[0]}:…`,
    };
  }
}

/** `a::b` in a program is a name; an address has more groups, or a prefix that is in use. */
function isSomeonesIpv6(text: string): boolean {
  if (!isIPv6(text)) return false;
  const groups = text.split(':').filter((group) => group !== '');
  return (
    groups.length >= 4 ||
    (groups.length >= 2 && /^(?:2[0-9a-f]{3}|3[0-9a-f]{3}|f[cd][0-9a-f]{2}|fe80)$/i.test(groups[0] ?? ''))
  );
}
