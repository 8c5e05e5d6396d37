/** 60 rows of prompt and completion, as JSON Lines. */
export function meetings(): string;
