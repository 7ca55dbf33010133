import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly seed: string;
  readonly sessions: number;
  readonly port?: number;
}

export const usage = `npm run demo -- [options]

  --seed <text>      another seed, other conversations and samples (default: 1)
  --sessions <n>     conversations of 2 to 6 traces each (default: 75)
  --port <n>         port of the local stack (default: a free one)`;

/** Throws an error that says what is wrong with the arguments; undefined where help is asked for. */
export function parseOptions(args: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      sessions: { type: 'string', default: '75' },
      port: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  return {
    seed: values.seed,
    sessions: wholeNumber('--sessions', values.sessions, 10_000),
    ...(values.port !== undefined && { port: wholeNumber('--port', values.port, 65_535) }),
  };
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw new Error(`${name} takes a whole number from 1 to ${max}, got "${text}"`);
  return value;
}
