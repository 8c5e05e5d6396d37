// paddock lesson line: y = a·x + b fitted on the real engine.
import { Command } from "commander";
import { AppError } from "../../ipc/error.ts";
import { action } from "./action.ts";
import { short } from "./output.ts";
import { numbers } from "./values.ts";

interface Options {
  x: number[];
  y: number[];
}

export function lessonCommand(): Command {
  const line = new Command("line")
    .description("fit y = a·x + b")
    .option("--x <numbers>", "the points' x", numbers, [1, 2, 3])
    .option("--y <numbers>", "the points' y", numbers, [6, 10, 14])
    .option("--json", "print one JSON object")
    .action(
      action(async (context, { x, y }: Options) => {
        if (x.length !== y.length)
          throw new AppError("usage", `--x has ${x.length} numbers and --y has ${y.length}.`, "Give as many of the one as of the other.", {
            x: x.length,
            y: y.length,
          });
        const result = await context.withWorker((api) => api.lessonFit({ x, y, optimizer: "momentum", lr: steadyRate(x) }, context.signal));
        const { a, b, loss, steps } = result;
        const text = `y = ${short(a)}·x ${b < 0 ? "−" : "+"} ${short(Math.abs(b))}   (loss ${short(loss)} after ${steps} steps)`;
        return { json: { a, b, loss, steps }, text };
      }),
    );
  return new Command("lesson").description("learn how learning works").addCommand(line);
}

/**
 * The largest comfortable learning rate for momentum 0.9: 1/λ, where λ is the steepest curvature of the mean squared gap, the larger
 * eigenvalue of 2/n · [[Σx², Σx], [Σx, n]]. (Gradient descent with momentum β diverges from 2(1 + β)/λ on.)
 */
function steadyRate(x: number[]): number {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const square = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  const steepest = square + 1 + Math.hypot(square - 1, 2 * mean);
  return 1 / steepest;
}
