export function heading(text: string): void {
  console.log(`\n${text}`);
}

export function line(what: string, parts: readonly string[]): void {
  console.log(`  ${what.padEnd(18)} ${parts.join('   ')}`);
}

export function check(isReached: boolean): string {
  return isReached ? ' ✓' : ' ✗';
}
