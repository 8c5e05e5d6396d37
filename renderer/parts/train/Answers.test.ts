// Answers before and after, side by side: blind, nothing tells which is which until a side is chosen.
import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import Answers from "./Answers.svelte";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const answers = [
  { prompt: "Who?", before: "Nobody.", text: "A cat." },
  { prompt: "Where?", before: "There.", text: " " },
];
const shown = (id: string) => screen.queryAllByTestId(id).map((element) => element.textContent.trim());

test("side by side; an empty answer is said to be one", () => {
  render(Answers, { answers });
  expect(shown("answer-before")).toEqual(["Nobody.", "There."]);
  expect(shown("answer-after")).toEqual(["A cat.", "(no answer)"]);
});

test("blind: shuffled and without names until chosen, then counted by what was chosen", async () => {
  const chance = vi.spyOn(Math, "random").mockReturnValueOnce(0.9).mockReturnValueOnce(0.1);
  render(Answers, { answers });
  await fireEvent.click(screen.getByTestId("blind"));
  expect(chance).toHaveBeenCalledTimes(2);
  expect([shown("answer-before"), shown("answer-after")]).toEqual([[], []]);
  expect(shown("answer-hidden")).toEqual(["A cat.", "Nobody.", "There.", "(no answer)"]);
  expect(screen.queryByText("Fine-tuned")).toBeNull();
  await fireEvent.click(screen.getAllByTestId("choose-left")[0]!);
  expect([shown("answer-after"), shown("answer-hidden")]).toEqual([["A cat."], ["There.", "(no answer)"]]);
  expect(screen.getByText("your choice")).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "No difference" }));
  expect(screen.getByTestId("blind-tally").textContent).toContain("fine-tuned 1, as it was 0, no difference 1");
});

test("while it learns only the answers before are there, and nothing to be blind to", () => {
  render(Answers, { answers: answers.map(({ prompt, before }) => ({ prompt, before })) });
  expect(screen.queryByTestId("blind")).toBeNull();
  expect([shown("answer-before"), shown("answer-after")]).toEqual([["Nobody.", "There."], []]);
});
