import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';

let made = 0;

/**
 * An app with cdk.json's flags, which decide what the constructs make. It writes into a folder that the next run writes into again:
 * the library's own temporary folders would pile up.
 */
export function testApp(context: Readonly<Record<string, unknown>> = {}): App {
  const flags = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')).context;
  const name = `${process.env.VITEST_WORKER_ID ?? 0}-${made++}`;
  const outdir = fileURLToPath(new URL(`../../node_modules/.cache/assay-synth/${name}`, import.meta.url));
  return new App({ outdir, context: { ...flags, ...context } });
}
