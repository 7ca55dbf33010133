/** A row of a data set that cannot be judged; the message says what is wrong with it. */
export class InvalidRowError extends Error {
  override readonly name = 'InvalidRowError';
}
