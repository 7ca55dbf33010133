const width = 30;

/** How much of a whole is done, as a bar and in percent; full only when it is all done. */
export function progressBar(done: number, all: number): string {
  const share = all === 0 ? 1 : Math.min(1, Math.max(0, done / all));
  const full = Math.floor(share * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
}

/** To stand behind a bar; nothing while it is not known, or nothing is left. */
export function timeLeft(seconds: number | undefined): string {
  return !seconds ? '' : `  ${Math.ceil(seconds / 60)} min left`;
}

/** What somebody has to know who does not want to watch it. */
export function goesOn(id: string): string {
  return `${id} goes on without this command; "assay backfill" shows, pauses and cancels it`;
}
