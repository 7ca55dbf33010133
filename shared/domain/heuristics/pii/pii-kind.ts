export const piiKinds = ['email', 'phone', 'credit_card', 'iban', 'ssn', 'ip_address', 'secret'] as const;

export type PiiKind = (typeof piiKinds)[number];

/** One piece of personal or secret data in a text. */
export interface PiiFinding {
  readonly kind: PiiKind;
  /** What it is called to a reader: `e-mail address`, `AWS access key`. */
  readonly label: string;
  readonly start: number;
  readonly end: number;
  /** As it may be shown: never the value. */
  readonly masked: string;
}

/** Finds one kind in a text, in time linear in its length. */
export type PiiFinder = (text: string) => Iterable<PiiFinding>;
