/** A value of a stranger's JSON in a message: String() of it may not come to an end, or throw. */
export function shown(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return String(value).slice(0, 80);
}
