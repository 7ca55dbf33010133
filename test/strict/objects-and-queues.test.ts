import { startMoto } from '../engines/moto.ts';
import { describeObjectAndQueueAdapters } from '../support/suites/objects-and-queues.ts';

describeObjectAndQueueAdapters('moto', startMoto);
