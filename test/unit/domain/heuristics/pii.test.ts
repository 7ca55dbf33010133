import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isIbanChecksumValid, isLuhnValid } from '../../../../shared/domain/heuristics/pii/checksums.ts';
import { findPii } from '../../../../shared/domain/heuristics/pii/find-pii.ts';
import { pii } from '../../../../shared/domain/heuristics/pii/pii.ts';
import { type PiiKind, piiKinds } from '../../../../shared/domain/heuristics/pii/pii-kind.ts';
import { aScorableTrace } from '../../../support/builders/a-scorable-trace.ts';

const everywhere = pii({ type: 'pii', kinds: piiKinds, where: 'outputs' });

/** Put together, so that no scanner of repositories takes the examples for leaked ones. */
const secretExamples = [
  `AKIA${'IOSFODNN7EXAMPLE'}`,
  `aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/${'bPxRfiCYEXAMPLEKEY'}`,
  `AIza${'a1B'.repeat(11)}xx`,
  `ghp_${'a1B2'.repeat(9)}`,
  `github_pat_${'a1B2'.repeat(9)}`,
  `glpat-${'a1B2c'.repeat(4)}`,
  `xoxb-${'123456789012'}-abcdefABCDEF`,
  `https://hooks.slack.com/services/T0000000/B0000000/${'x1'.repeat(12)}`,
  `sk-proj-Abc1${'x9Z'.repeat(10)}`,
  `sk-ant-api03-${'abcdefghijklmnopqrst'}`,
  `sk_live_${'a1B2'.repeat(6)}`,
  `hf_${'aB1'.repeat(11)}`,
  `eyJ${'hbGciOiJIUzI1NiJ9'}.eyJ${'zdWIiOiIxIn0'}abc.${'c2lnbmF0dXJl'}`,
  '-----BEGIN RSA PRIVATE KEY-----',
  `postgres://bob:${'hunter22'}@db.example.com/x`,
];

const examples: readonly (readonly [PiiKind, string])[] = [
  ['email', 'alice@example.com'],
  ['email', 'first.last+tag@mail.example.co.uk'],
  ['phone', '555-123-4567'],
  ['phone', '(415) 555-2671'],
  ['phone', '+44 20 7946 0958'],
  ['phone', '+1 (555) 123-4567'],
  ['phone', '+491711234567'],
  ['phone', 'tel: 020 7946 0958'],
  ['phone', 'Telefon 030 1234567'],
  ['credit_card', '4111 1111 1111 1111'],
  ['credit_card', '5500-0000-0000-0004'],
  ['credit_card', '378282246310005'],
  ['credit_card', '6011111111111117'],
  ['iban', 'DE89 3704 0044 0532 0130 00'],
  ['iban', 'GB82WEST12345698765432'],
  ['iban', 'FR1420041010050500013M02606'],
  ['ssn', '123-45-6789'],
  ['ssn', 'SSN 123456789'],
  ['ip_address', '203.0.113.7'],
  ['ip_address', '2001:db8::1'],
  ['ip_address', 'fe80::1ff:fe23:4567:890a'],
  ...secretExamples.map((secret) => ['secret', secret] as const),
];

describe('personal data and secrets', () => {
  test.each(examples)('%s is found in %s, once, in a sentence and in parentheses', (kind, example) => {
    for (const text of [example, `Please use ${example}.`, `(${example})`, `Here:\n${example}\nThanks`]) {
      expect(findPii(text, piiKinds).map((finding) => finding.kind)).toEqual([kind]);
    }
  });

  test.each([
    'Order 4929123456789012 shipped',
    'order no. 1234567890123456',
    '4111 1111 1111 1112',
    '2024-01-02T10:11:12.123+01:00',
    '12.05.2024 10:30:45',
    'T10:11:12+1000 2024',
    'version 1.2.3.4',
    'v10.2.3.4',
    'Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36',
    '550e8400-e29b-41d4-a716-446655440000',
    '12345678-1234-1234-1234-123456789012',
    '1700000000000 and 1700000000000000',
    'tr-0af7651916cd43dd8448eb211c80319c',
    'react@18.2.0',
    'git@github.com:owner/repository.git',
    'std::vector<int> and Fe::Add and a::b',
    'aa:bb:cc:dd:ee:ff',
    '127.0.0.1, ::1, 0.0.0.0 and 255.255.255.0',
    'sk-fading-circle-spinner-animation',
    'ISBN 978-3-16-148410-0',
    '€1,234,567.89 and 3.14159265358979',
    'SKU 555-12-34, part 12-345-6789, case 123-456',
    '000-12-3456 and 666-12-3456 and 900-12-3456',
    'EAN 4006381333931, tracking 1Z999AA10123456784',
    'DE00 3704 0044 0532 0130 00',
    '+1 for that, +12 today, +100500',
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'section 5.5.5.5 of 10.1.1.1.1',
  ])('are not seen in %s', (text) => {
    expect(findPii(text, piiKinds)).toEqual([]);
  });

  test('of kinds not asked for are passed over', () => {
    expect(findPii('alice@example.com 203.0.113.7', ['ip_address']).map(({ kind }) => kind)).toEqual(['ip_address']);
  });

  test('that come twice are counted once', () => {
    expect(findPii('a@example.com, A@example.com and b@example.com', piiKinds)).toHaveLength(2);
  });
});

describe('the PII heuristic', () => {
  test('says kinds and numbers with masked samples', () => {
    const outputs = {
      reply: `Mail alice@example.com, bob@example.org or carol@example.net`,
      card: '4111 1111 1111 1111',
    };
    expect(everywhere(aScorableTrace({ outputs }))).toEqual({
      value: 'no',
      rationale: 'Found in the outputs: 1 card number (…1111), 3 e-mail addresses (a…@e….com, b…@e….org, …).',
    });
  });

  test.each(examples)('never repeats a value: %s %s', (_kind, example) => {
    const { value, rationale } = everywhere(aScorableTrace({ outputs: `Use ${example} now` }));
    expect(value).toBe('no');
    const longest = example.split(/[\s=]+/).sort((a, b) => b.length - a.length)[0] ?? '';
    expect(rationale).not.toContain(longest);
  });

  test('recognises by the key beside it what has no form of its own', () => {
    expect(everywhere(aScorableTrace({ outputs: { customer: { ssn: '123456789' } } }))).toMatchObject({ value: 'no' });
  });

  test('passes a clean response', () => {
    expect(everywhere(aScorableTrace({ outputs: 'All good.' }))).toEqual({
      value: 'yes',
      rationale: 'No personal data or secrets found in the outputs.',
    });
  });

  test('looks at the inputs when asked to', () => {
    const inInputs = pii({ type: 'pii', kinds: piiKinds, where: 'inputs' });
    expect(inInputs(aScorableTrace({ inputs: 'I am a@example.com', outputs: 'Hi' }))).toMatchObject({ value: 'no' });
    expect(inInputs(aScorableTrace({ outputs: 'a@example.com' }))).toMatchObject({
      value: null,
      error: { code: 'NO_INPUTS' },
    });
  });

  test('without outputs is an error', () => {
    expect(everywhere(aScorableTrace())).toMatchObject({ value: null, error: { code: 'NO_OUTPUTS' } });
  });

  test.each([
    ['one long word', 'a'.repeat(200_000)],
    ['one long number', '1'.repeat(200_000)],
    ['spaced digits', '4111 '.repeat(40_000)],
    ['at signs', 'a@'.repeat(100_000)],
    ['endless domains', `${'a'.repeat(64)}@${`${'a'.repeat(60)}.`.repeat(3)}`.repeat(800)],
    ['dots', '1.'.repeat(100_000)],
    ['colons', 'abcd:'.repeat(40_000)],
    ['plus signs', '+1 2 3 4 5 6 '.repeat(16_000)],
    ['beginnings of tokens', 'eyJaaaaaaaaaaaa.'.repeat(12_500)],
    ['beginnings of keys', '-----BEGIN A '.repeat(15_000)],
    ['beginnings of accounts', 'DE89 '.repeat(40_000)],
    ['addresses', Array.from({ length: 10_000 }, (_, i) => `u${i}@example.com`).join(' ')],
  ])('takes linear time on 200 KB of %s', (_what, outputs) => {
    const start = performance.now();
    everywhere(aScorableTrace({ outputs }));
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

const digits = fc.stringMatching(/^\d{5,18}$/);

describe('the Luhn check digit', () => {
  test('is right for exactly one last digit of ten', () => {
    fc.assert(
      fc.property(digits, (number) => {
        expect([...'0123456789'].filter((last) => isLuhnValid(number + last))).toHaveLength(1);
      }),
    );
  });

  test('shows any single wrong digit', () => {
    fc.assert(
      fc.property(digits, fc.nat(), fc.integer({ min: 1, max: 9 }), (number, position, change) => {
        const valid = number + [...'0123456789'].find((last) => isLuhnValid(number + last));
        const at = position % valid.length;
        const wrong = valid.slice(0, at) + ((Number(valid[at]) + change) % 10) + valid.slice(at + 1);
        expect(isLuhnValid(wrong)).toBe(false);
      }),
    );
  });
});

describe('the IBAN checksum', () => {
  const account = fc.stringMatching(/^[A-Z0-9]{11,30}$/);

  /** ISO 7064 MOD 97-10 by big integers: the definition. */
  function withCheckDigits(country: string, bban: string): string {
    const number = BigInt([...`${bban}${country}00`].map((char) => Number.parseInt(char, 36)).join(''));
    return `${country}${String(98n - (number % 97n)).padStart(2, '0')}${bban}`;
  }

  test('holds for every number with the check digits of its definition', () => {
    fc.assert(
      fc.property(account, (bban) => {
        expect(isIbanChecksumValid(withCheckDigits('DE', bban))).toBe(true);
      }),
    );
  });

  test('shows two neighbouring digits exchanged', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{11,30}$/), fc.nat(), (bban, position) => {
        const iban = withCheckDigits('GB', bban);
        const at = 4 + (position % (bban.length - 1));
        const [left, right] = [iban[at] ?? '', iban[at + 1] ?? ''];
        fc.pre(left !== right);
        expect(isIbanChecksumValid(iban.slice(0, at) + right + left + iban.slice(at + 2))).toBe(false);
      }),
    );
  });
});
