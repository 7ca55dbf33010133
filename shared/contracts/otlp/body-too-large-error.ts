/** The body is larger than Assay takes: compressed, decompressed, or in the number of its parts. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}
