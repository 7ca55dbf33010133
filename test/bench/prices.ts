/**
 * List prices in US$, us-east-1, arm64, without free tiers. None of AWS's price pages could be read from where this was written:
 * the figures are those of secondary sources of 2026, and DynamoDB, S3, HTTP API and Athena from memory.
 */
export const prices = {
  /** Per million requests, the first 300 million a month, each of up to 512 KB. */
  httpApiPerMillion: 1.0,
  lambdaPerMillionRequests: 0.2,
  lambdaPerGbSecond: 0.0000133334,
  /** Per million write and read units on demand. */
  dynamoWritePerMillion: 0.625,
  dynamoReadPerMillion: 0.125,
  /** Per million requests; each 64 KB of a call is one. */
  sqsPerMillion: 0.4,
  s3PutPerThousand: 0.005,
  s3GetPerThousand: 0.0004,
  /** Step Functions: standard state transitions; express requests, and the GB-seconds of their memory in chunks of 64 MB. */
  stepsPerMillion: 25,
  expressPerMillion: 1,
  expressPerGbSecond: 0.00001667,
  /** Per GB, records rounded up to 5 KB; the second figure is record conversion. */
  firehosePerGb: 0.029 + 0.018,
  s3GbMonth: 0.023,
  logsPerGb: 0.5,
  alarmPerMonth: 0.1,
  /** The first three dashboards of an account cost nothing. */
  dashboardPerMonth: 0,
} as const;

/** 1,769 MB are one virtual CPU; a function of less memory takes longer for the same work. */
export const memoryMbOfOneCpu = 1769;
