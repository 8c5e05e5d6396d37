// The training settings in their drawer: what they say, what they take, and what the plan makes of it.
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import App from "../../App.svelte";
import { fakeApp, FakePage } from "../../fake/door.ts";
import { FakeHost, homes } from "../../fake/host.ts";
import { writeRoute } from "../../state/route.ts";
import { numberRules, readNumber } from "../../state/trainSettings.svelte.ts";
import { tongue } from "../../state/words.svelte.ts";

afterEach(() => {
  cleanup();
  tongue.now = "en";
});

async function open(wishes = ["en"]) {
  const host = new FakeHost();
  const { id } = host.addProject(homes);
  const page = new FakePage();
  page.wishes = wishes;
  page.goto(writeRoute({ screen: "project", id }));
  const world = fakeApp(host, page);
  render(App, { app: world.app });
  await fireEvent.click(await screen.findByTestId("adjust-open"));
  const panel = within(await screen.findByTestId("adjust"));
  const spec = async () => (await world.app.call.project({ id })).spec;
  const help = (label: string) => document.getElementById(panel.getByLabelText(label).getAttribute("aria-describedby")!)!.textContent;
  return { ...world, panel, spec, help };
}

const labels = ["Optimizer", "Learning rate", "Schedule", "Weight decay", "Rows a step", "Passes at most", "Longest time", "Seed"];

test("every setting says what it does, its default in force and why; empty is the default", async () => {
  const { panel, help } = await open();
  for (const label of [...labels, "Shuffled", "Rows held out"]) {
    expect(help(label), label).toMatch(/Default “.+”: .+\./);
    expect(panel.getByLabelText<HTMLInputElement>(label).value, label).toBe("");
  }
  expect(help("Learning rate")).toContain("Default “0.003”");
  expect(help("Optimizer")).toContain("Default “AdamW”");
  expect(panel.getByLabelText<HTMLInputElement>("Rows a step").placeholder).toBe("Default: 256");
  expect(panel.getByRole<HTMLButtonElement>("button", { name: "Back to the defaults" }).disabled).toBe(true);
});

test("a change is kept, the plan follows, the default stays in sight, and one press goes back", async () => {
  const { panel, spec, help } = await open();
  const rate = panel.getByLabelText<HTMLInputElement>("Learning rate");
  await fireEvent.input(rate, { target: { value: "0,01" } });
  await fireEvent.change(rate);
  await waitFor(async () => expect((await spec()).lr).toBe(0.01));
  await fireEvent.change(panel.getByLabelText("Optimizer"), { target: { value: "sgd" } });
  await fireEvent.change(panel.getByLabelText("Rows held out"), { target: { value: "no" } });
  await waitFor(async () => expect(await spec()).toMatchObject({ lr: 0.01, optimizer: "sgd", split: false }));
  expect(await screen.findByText("· 3 changed")).toBeTruthy();
  await waitFor(() => expect(screen.getAllByText("none held out")).toHaveLength(2));
  // What the rate would be by itself depends on the optimizer that was chosen.
  await waitFor(() => expect(help("Learning rate")).toContain("Default “0.05”"));
  await waitFor(() => expect(help("Optimizer")).toContain("Default “AdamW”"));
  await fireEvent.click(panel.getByRole("button", { name: "Back to the defaults" }));
  await waitFor(async () => expect(Object.keys(await spec()).sort()).toEqual(["target", "task"]));
  expect(rate.value).toBe("");
  await waitFor(() => expect(screen.queryByText("· 3 changed")).toBeNull());
});

test("what cannot be taken is said at once, in words, and not kept", async () => {
  const { panel, spec, help } = await open();
  const batch = panel.getByLabelText<HTMLInputElement>("Rows a step");
  for (const [typed, told] of [
    ["many", "Write a number, such as 0.003."],
    ["1.5", "Write a whole number."],
    ["0", "Write 1 or more."],
    ["99999999", "Write 16,777,216 or less."],
  ] as const) {
    await fireEvent.input(batch, { target: { value: typed } });
    expect(help("Rows a step")).toBe(told);
    expect(batch.getAttribute("aria-invalid")).toBe("true");
  }
  await fireEvent.change(batch);
  expect((await spec()).batch).toBeUndefined();
  expect(batch.value).toBe("99999999");
  await fireEvent.input(batch, { target: { value: "64" } });
  expect(batch.getAttribute("aria-invalid")).toBeNull();
  // Closing the drawer loses nothing that was typed.
  await fireEvent.click(screen.getAllByRole("button", { name: "Close", hidden: true }).at(-1)!);
  await waitFor(async () => expect((await spec()).batch).toBe(64));
});

test("it speaks Chinese", async () => {
  const { panel, help } = await open(["zh-CN"]);
  expect(help("学习率")).toContain("默认是“0.003”");
  expect(panel.getByRole("button", { name: "全部恢复默认" })).toBeTruthy();
});

test("a number is read as people type it", () => {
  const { lr, batch } = numberRules;
  expect([" 0.003 ", "1e-3", "0,01", "", ".5"].map((text) => readNumber(text, lr))).toEqual(
    [0.003, 0.001, 0.01, undefined, 0.5].map((value) => ({ value })),
  );
  expect(readNumber("0", lr)).toEqual({ problem: "tooSmall", limit: 1e-12 });
  expect(readNumber("-2", batch)).toEqual({ problem: "tooSmall", limit: 1 });
  expect(readNumber("1,000", batch)).toEqual({ problem: "notNumber" });
  expect(readNumber("Infinity", lr)).toEqual({ problem: "notNumber" });
});
