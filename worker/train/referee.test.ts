import { describe, expect, test } from "vitest";
import { duration, referee, type Sight } from "./referee.ts";
import { freshStopping, look } from "./stopping.ts";

/** A run seen through (training, validation) losses, one evaluation a second. */
function sight(losses: [number, number][], heldOut = true): Sight {
  let stopping = freshStopping();
  for (const [i, [, validationLoss]] of losses.entries())
    stopping = look(stopping, { step: i, epoch: i, seconds: i, validationLoss, metric: 0 }).state;
  const seen = losses.map(([trainLoss, validationLoss]) => ({ trainLoss, validationLoss }));
  return { seconds: losses.length - 1, seen, stopping, patience: 10, heldOut, metricName: "accuracy" };
}

describe("the referee says what is true", () => {
  test("nothing yet", () => expect(referee(sight([[1, 1]])).code).toBe("starting"));
  test("learning", () => {
    const said = referee(
      sight([
        [1, 1],
        [0.8, 0.9],
        [0.6, 0.8],
      ]),
    );
    expect(said.code).toBe("learning");
    expect(said.message).toContain("not seen");
  });
  test("without held-out rows it does not speak of unseen ones", () => {
    expect(
      referee(
        sight(
          [
            [1, 1],
            [0.8, 0.9],
            [0.6, 0.8],
          ],
          false,
        ),
      ).message,
    ).toBe("It is learning: the error fell by 20 % lately.");
  });
  test("slowing", () =>
    expect(
      referee(
        sight([
          [1, 1],
          [0.5, 0.5],
          [0.499, 0.4999],
          [0.498, 0.4998],
        ]),
      ).code,
    ).toBe("slowing"));
  test("memorising names the best point's age", () => {
    const said = referee(
      sight([
        [1, 1],
        [0.7, 0.8],
        [0.6, 0.85],
        [0.5, 0.9],
        [0.4, 0.95],
      ]),
    );
    expect(said.code).toBe("memorising");
    expect(said.data["ago"]).toBe(3);
    expect(said.message).toContain("3 seconds ago");
  });
  test("stuck", () =>
    expect(
      referee(
        sight([
          [1, 1],
          [1, 1.001],
          [1.001, 1.002],
          [1, 1.001],
          [1.002, 1.003],
        ]),
      ).code,
    ).toBe("stuck"));
});

test("durations", () => {
  expect([1, 59, 60, 75, 120].map(duration)).toEqual(["1 second", "59 seconds", "1 minute", "1 minute 15 seconds", "2 minutes"]);
});
