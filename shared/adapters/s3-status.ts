import { S3ServiceException } from '@aws-sdk/client-s3';

/** HTTP status of what S3 refused; undefined for what never came to an answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
