/** Kinds of unfinished work that stand on the open-work index until they are done. */
export type OpenWorkKind = 'trace' | 'session' | 'evaluation';

/** Partitions of each kind. Few: the sweep queries every one each minute, and only unfinished work stands here. */
export const openWorkShards = 4;
