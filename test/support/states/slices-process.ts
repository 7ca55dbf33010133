import { startLocalStack } from '../../../local/stack.ts';

// A local stack in a process of its own, which can be killed.
const [assembly, dataFolder] = process.argv.slice(2);
const stack = await startLocalStack({ assembly, dataFolder, waitSeconds: 0.1, log: console.error });
console.log(JSON.stringify({ endpoint: stack.endpoint, outputs: Object.fromEntries(stack.outputs) }));
