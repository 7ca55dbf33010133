/** A filter string that MLflow's grammar does not allow; the message is what MLflow's server answers with INVALID_PARAMETER_VALUE. */
export class InvalidFilterError extends Error {
  override readonly name = 'InvalidFilterError';
}
