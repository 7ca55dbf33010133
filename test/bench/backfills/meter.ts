import { prices } from '../prices.ts';

/** What a backfill's calls take, in what AWS counts. */
export class Meter {
  calls = 0;
  readUnits = 0;
  writeUnits = 0;
  sqsRequests = 0;
  s3Puts = 0;
  s3Gets = 0;
  /** Children of maps: an express execution and a function each. */
  children = 0;
  transitions = 0;
  gbSeconds = 0;
  expressGbSeconds = 0;

  /** Eventually consistent, unless it is said. */
  read(items: number, { bytes, consistent = false }: { bytes: number; consistent?: boolean }): void {
    this.calls++;
    this.readUnits += (items * Math.ceil(bytes / 4096)) / (consistent ? 1 : 2);
  }

  /** A query reads its items as one run of bytes. */
  query(bytes: number): void {
    this.calls++;
    this.readUnits += Math.max(1, Math.ceil(bytes / 4096)) / 2;
  }

  write(bytes: number): void {
    this.calls++;
    this.writeUnits += Math.ceil(bytes / 1024);
  }

  /** Sent, received and deleted, ten at a time. */
  messages(count: number): void {
    this.calls += Math.ceil(count / 10);
    this.sqsRequests += 3 * Math.ceil(count / 10);
  }

  child(seconds: number, memoryGb: number): void {
    this.children++;
    this.transitions++;
    this.gbSeconds += seconds * memoryGb;
    this.expressGbSeconds += (seconds * 64) / 1024;
  }

  /** Everything seen from here on stands for so many times as much. */
  scaledFrom(before: Meter, factor: number): void {
    for (const key of Object.keys(this) as (keyof Meter)[]) {
      const [now, then] = [this[key], before[key]];
      if (typeof now === 'number' && typeof then === 'number')
        Object.assign(this, { [key]: then + (now - then) * factor });
    }
  }

  snapshot(): Meter {
    return Object.assign(new Meter(), this);
  }

  /** US$. */
  price(): Readonly<Record<string, number>> {
    return {
      'Step Functions': (this.transitions * prices.stepsPerMillion + this.children * prices.expressPerMillion) / 1e6,
      'express memory': this.expressGbSeconds * prices.expressPerGbSecond,
      Lambda: this.gbSeconds * prices.lambdaPerGbSecond + (this.children * prices.lambdaPerMillionRequests) / 1e6,
      DynamoDB: (this.readUnits * prices.dynamoReadPerMillion + this.writeUnits * prices.dynamoWritePerMillion) / 1e6,
      SQS: (this.sqsRequests * prices.sqsPerMillion) / 1e6,
      S3: (this.s3Puts * prices.s3PutPerThousand + this.s3Gets * prices.s3GetPerThousand) / 1e3,
    };
  }
}
