import { parentPort } from 'node:worker_threads';
import { Interpreter, type Job } from './interpreter.ts';

// A thread of its own: some loops inside QuickJS ask nobody whether they may go on, and only the end of their thread ends them.
const interpreter = new Interpreter();
parentPort?.on('message', async (job: Job) => parentPort?.postMessage(await interpreter.run(job)));
