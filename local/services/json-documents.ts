/**
 * The JSON objects of a record, which stand back to back without separators, each as its text. What is no object ends the list
 * and is answered as `rest`.
 */
export function splitDocuments(record: string): { documents: readonly string[]; rest: string } {
  const documents: string[] = [];
  let start = 0;
  while (start < record.length) {
    const end = endOfDocument(record, start);
    if (end === undefined) break;
    documents.push(record.slice(start, end));
    start = end;
  }
  return { documents, rest: record.slice(start).trim() };
}

function endOfDocument(text: string, start: number): number | undefined {
  let depth = 0;
  let isInString = false;
  for (let i = start; i < text.length; i++) {
    const character = text[i];
    if (isInString) {
      if (character === '\\') i++;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return i + 1;
  }
  return undefined;
}
