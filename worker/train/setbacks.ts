// When training cannot go on as it did: how often it is tried again, and what is said where that is spent.
import { AppError } from "../../ipc/error.ts";

/** A loss that leaves the numbers: so often training goes on from the last good point, each time with this part of the rate. */
export const setbacks = { most: 3, part: 0.3 };

export function tooLarge({ data, cause }: AppError, rows: number): AppError {
  return new AppError(
    "outOfMemory",
    rows > 1
      ? `There is not enough memory to train this model.`
      : `There is not enough memory to train this model, not even with one row at a time.`,
    "Choose a smaller model, shorter texts or smaller pictures, close other programs, or train on the processor (device cpu).",
    { ...data, rows },
    cause,
  );
}

export function notFinite(step: number, lr: number, tries: number): AppError {
  const after = tries ? `, ${tries} times, each time from the last good point and with a lower rate` : "";
  return new AppError(
    "lossNotFinite",
    `The loss stopped being a number at step ${step}${after} (learning rate ${Number(lr.toPrecision(3))}).`,
    "Choose a smaller learning rate (a tenth, say) and train again.",
    { step, lr },
  );
}
