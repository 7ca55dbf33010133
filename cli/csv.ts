/** Rows as CSV (RFC 4180, but for its line ends), with a line of names first. */
export function csv(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [columns, ...rows].map((row) => row.map(cell).join(',')).join('\n');
}

function cell(text: string): string {
  // What others wrote is no formula of the spreadsheet that opens it (OWASP, "CSV Injection"); numbers stay numbers.
  const plain = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
