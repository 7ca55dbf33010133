import { Logger } from '@aws-lambda-powertools/logger';

/** What handlers need of a logger. */
export interface BatchLogger {
  error(message: string, context: Record<string, unknown>): void;
}

/** JSON lines to standard output; service name and level come from Powertools' own environment variables. */
export const logger: BatchLogger = new Logger();
