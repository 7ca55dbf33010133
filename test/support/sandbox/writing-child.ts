import { ftruncateSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';

// Stands in for the process of the interpreter, given over to the code in it: the permission model lets open descriptors be.
const snapshot = 3;
if (process.argv[2] === 'snapshot') writeFileSync(snapshot, 'the interpreter');
else {
  process.stdout.write('ready\n');
  await text(process.stdin);
  const refusals = [() => writeSync(snapshot, 'another', 0), () => ftruncateSync(snapshot, 0)].map(attempt);
  process.stdout.write(`{"returned":${JSON.stringify([...refusals, readFileSync(snapshot, 'utf8')])}}`);
}

function attempt(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return (error as { code?: string }).code;
  }
}
