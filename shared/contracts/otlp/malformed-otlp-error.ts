/** Bytes or JSON that are not what their content type and encoding say. The caller must not send them again as they are. */
export class MalformedOtlpError extends Error {
  override readonly name = 'MalformedOtlpError';
}
