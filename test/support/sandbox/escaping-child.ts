// What code that has broken out of the interpreter would try next; tells what it got.
const attempts: Readonly<Record<string, () => unknown>> = {
  environment: () => Object.keys(process.env),
  evaluation: () => new Function('return 1')(),
  file: async () => (await import('node:fs')).readFileSync('/etc/passwd', 'utf8'),
  'environment of the parent': async () => (await import('node:fs')).readFileSync(`/proc/${process.ppid}/environ`),
  write: async () => (await import('node:fs')).writeFileSync('/tmp/escaped', ''),
  process: async () => (await import('node:child_process')).execSync('id'),
  thread: async () => new (await import('node:worker_threads')).Worker('1', { eval: true }),
  addon: () => process.dlopen({ exports: {} }, '/lib/none.node'),
  inspector: async () => (await import('node:inspector')).open(0),
};

const got: Record<string, unknown> = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    got[name] = await attempt();
  } catch (error) {
    got[name] = (error as { code?: string }).code ?? (error as Error).name;
  }
}
process.stdout.write(JSON.stringify(got));
