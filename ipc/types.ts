// The values that travel between the processes, by noun. Plain data only: structured-clonable, and the same after MessagePack.
// Sizes are bytes, times are milliseconds since 1970 or durations in seconds, as each name says.
export type * from "./types/kinds.ts";
export type * from "./types/tables.ts";
export type * from "./types/devices.ts";
export type * from "./types/training.ts";
export type * from "./types/report.ts";
export type * from "./types/models.ts";
export type * from "./types/lesson.ts";
export type * from "./types/graphs.ts";
export type * from "./types/images.ts";
export type * from "./types/ratings.ts";
export type * from "./types/exports.ts";
export type * from "./types/language.ts";
export type * from "./types/shelf.ts";
export type * from "./types/corrections.ts";
export type * from "./types/chat.ts";
export type * from "./types/memory.ts";
