/**
 * Resources, scopes and spans of one request. Each costs memory, whatever its size: 64 MiB could hold 32 million empty spans.
 * Exporters send some hundreds.
 */
export const maxParts = 200_000;

/** Every trace repeats the resources and scopes of its spans: a large one above many traces would grow without bound. */
export const maxRepeatedBytes = 256 * 1024 * 1024;
