/** Lets the browser do what waits so many times: each turn is a task of its own, so that none gets long. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((next) => setTimeout(next));
}

/** The most turns that a `Later` waits; after them everything stands where it will stand. */
export const lastTurn = 12;
