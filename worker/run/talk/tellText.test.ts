import { expect, test, vi } from "vitest";
import { tellText } from "./tellText.ts";

test("the first text goes out at once, the rest a moment later, and nothing is lost", () => {
  vi.useFakeTimers();
  try {
    const sent: string[] = [];
    const { onText, end } = tellText((text) => sent.push(text));
    onText("");
    expect(sent).toEqual([]);
    onText("Once");
    expect(sent).toEqual(["Once"]);
    onText(" upon");
    onText(" a");
    expect(sent).toEqual(["Once"]);
    vi.advanceTimersByTime(25);
    expect(sent).toEqual(["Once", " upon a"]);
    onText(" time");
    end();
    vi.advanceTimersByTime(100);
    expect(sent).toEqual(["Once", " upon a", " time"]);
  } finally {
    vi.useRealTimers();
  }
});
