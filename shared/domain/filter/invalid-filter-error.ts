/** What is left over of a filter may be all of it. */
const maxMessageLength = 2_000;

/** A filter string that MLflow's grammar does not allow; the message is what MLflow's server answers with INVALID_PARAMETER_VALUE. */
export class InvalidFilterError extends Error {
  override readonly name = 'InvalidFilterError';

  constructor(message: string) {
    super(message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength)}…`);
  }
}
