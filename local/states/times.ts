/** As Step Functions writes times into JSON. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** As its API answers them. */
export function seconds(ms: number): number {
  return ms / 1000;
}
