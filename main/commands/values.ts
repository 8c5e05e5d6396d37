// Values of flags, checked where they are read: a wrong one is wrong usage (exit code 2) with the flag named.
import { InvalidArgumentError } from "commander";

/** A whole number from `min`, up to `max`. */
export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`It wants a whole number from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ""}.`);
    return value;
  };
}

/** A finite number above `above` (or from `from`). */
export function real({ above, from }: { above?: number; from?: number }): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const low = (above !== undefined && value <= above) || (from !== undefined && value < from);
    if (text.trim() === "" || !Number.isFinite(value) || low)
      throw new InvalidArgumentError(above !== undefined ? `It wants a number above ${above}.` : `It wants a number from ${from ?? "−∞"}.`);
    return value;
  };
}

/** Numbers between commas. */
export function numbers(text: string): number[] {
  const values = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (values.some((value) => !Number.isFinite(value))) throw new InvalidArgumentError("It wants numbers between commas, such as 1,2,3.");
  return values;
}
