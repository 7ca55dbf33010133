import type { PiiFinding } from './pii-kind.ts';

interface SecretPattern {
  readonly label: string;
  /** With a group, the group is the secret. Repetitions are bounded or end at a character that cannot begin a match. */
  readonly pattern: RegExp;
  /** How much of its beginning may be shown: the part that is the same in all of them. */
  readonly shown: number;
  /** Random characters: keeps names such as `sk-fading-circle-spinner` out. */
  readonly mixed?: true;
}

/** Formats as their issuers document them; more exact ones first. */
const secrets: readonly SecretPattern[] = [
  { label: 'private key', pattern: /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g, shown: 0 },
  { label: 'AWS access key', pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/g, shown: 4 },
  {
    label: 'AWS secret key',
    pattern:
      /aws[\w .-]{0,20}secret[\w .-]{0,20}["']?[ \t]{0,4}[:=][ \t]{0,4}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/gi,
    shown: 0,
  },
  { label: 'Google API key', pattern: /(?<![\w-])AIza[\w-]{35}(?![\w-])/g, shown: 4 },
  { label: 'Google OAuth token', pattern: /(?<![\w.-])ya29\.[\w-]{30,2000}/g, shown: 5 },
  {
    label: 'GitHub token',
    pattern: /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})(?!\w)/g,
    shown: 4,
  },
  { label: 'GitLab token', pattern: /(?<![\w-])glpat-[\w-]{20,64}(?![\w-])/g, shown: 6 },
  { label: 'Slack token', pattern: /(?<![\w-])(?:xox[abeoprs]|xapp)-[\w-]{10,250}(?![\w-])/g, shown: 5 },
  {
    label: 'Slack webhook',
    pattern: /hooks\.slack\.com\/(?:services|workflows)\/[A-Z0-9]{6,16}\/[A-Z0-9]{6,16}\/\w{16,64}/g,
    shown: 15,
  },
  { label: 'Anthropic key', pattern: /(?<![\w-])sk-ant-[\w-]{20,250}(?![\w-])/g, shown: 7 },
  {
    label: 'OpenAI key',
    pattern: /(?<![\w-])sk-(?:proj-|svcacct-|admin-)?[\w-]{20,250}(?![\w-])/g,
    shown: 3,
    mixed: true,
  },
  { label: 'Stripe key', pattern: /(?<![\w-])[rs]k_(?:live|test)_[A-Za-z0-9]{20,250}(?!\w)/g, shown: 8 },
  { label: 'Hugging Face token', pattern: /(?<![\w-])hf_[A-Za-z0-9]{30,64}(?!\w)/g, shown: 3, mixed: true },
  { label: 'npm token', pattern: /(?<![\w-])npm_[A-Za-z0-9]{36}(?!\w)/g, shown: 4, mixed: true },
  { label: 'JSON web token', pattern: /(?<![\w.-])eyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{10,4000}/g, shown: 3 },
  {
    label: 'password in a URL',
    pattern: /(?<![\w+.-])[a-z][a-z\d+.-]{1,20}:\/\/[^\s:/@?#]{1,80}:([^\s:/@?#]{3,200})@[\w.-]/gi,
    shown: 0,
  },
];

/** Keys, tokens and passwords that open something. */
export function* findSecrets(text: string): Iterable<PiiFinding> {
  for (const { label, pattern, shown, mixed } of secrets) {
    for (const match of text.matchAll(pattern)) {
      const secret = match[1] ?? match[0];
      if (mixed && !isMixed(secret.slice(shown))) continue;
      const start = match.index + match[0].lastIndexOf(secret);
      yield {
        kind: 'secret',
        label,
        start,
        end: start + secret.length,
        masked: shown > 0 ? `${secret.slice(0, shown)}…` : '',
      };
    }
  }
}

function isMixed(text: string): boolean {
  return /\d/.test(text) && /[A-Z]/.test(text) && /[a-z]/.test(text);
}
