// The whole app in a DOM, over the fake host: what a user does, and what the page says then.
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import { AppError } from "../ipc/error.ts";
import App from "./App.svelte";
import { fakeApp, FakePage } from "./fake/door.ts";
import { FakeHost, homes, penguins } from "./fake/host.ts";
import { writeRoute } from "./state/route.ts";

afterEach(cleanup);

function open(host = new FakeHost(), page = new FakePage()) {
  const made = fakeApp(host, page);
  const view = render(App, { props: { app: made.app } });
  return { ...made, view };
}

/** The app with a project of homes on the stage. */
async function openProject(prepare: (host: FakeHost, id: string) => void = () => undefined, profile = homes) {
  const host = new FakeHost();
  const { id } = host.addProject(profile);
  prepare(host, id);
  const page = new FakePage();
  page.goto(writeRoute({ screen: "project", id }));
  const made = open(host, page);
  await screen.findByTestId("profile");
  return { ...made, id };
}

const choose = async (files: File[]) => {
  const input = screen.getByTestId<HTMLInputElement>("file-input");
  Object.defineProperty(input, "files", { value: files, configurable: true });
  await fireEvent.change(input);
};

test("a chosen file becomes a project: its profile, the guess, and why", async () => {
  const { page, door } = open();
  expect(await screen.findByTestId("drop-zone")).toBeTruthy();
  await choose([new File(["a"], "homes.csv")]);
  const profile = await screen.findByTestId("profile");
  expect(door.taken).toEqual(["homes.csv"]);
  expect(page.hash()).toMatch(/^#\/project\//);
  expect(screen.getByText("10,000 rows, 9 columns; predicting 'price', a number.")).toBeTruthy();
  expect(within(profile).getByText("names each row", { exact: false })).toBeTruthy();
  expect(screen.getByTestId<HTMLSelectElement>("target-select").value).toBe("price");
  expect(screen.getByText("Chosen because of its name.")).toBeTruthy();
});

test("what a file was taken as is said with its reason, and can be changed", async () => {
  const taken = {
    kind: "text",
    because: "textColumn",
    data: { column: "remarks" },
    message: "",
    possible: ["text", "table", "ratings"],
  } as const;
  const parts = [{ name: "2023" }, { name: "2024" }];
  const { host } = await openProject(undefined, {
    ...homes,
    format: "xlsx",
    part: "2023",
    parts,
    taken: { ...taken, possible: [...taken.possible] },
  });
  const kind = screen.getByTestId<HTMLSelectElement>("kind-select");
  expect([...kind.options].map(({ text }) => text)).toEqual(["texts", "a table", "ratings"]);
  expect(screen.getByText("'remarks' holds free text, and there is a label.")).toBeTruthy();
  await fireEvent.change(kind, { target: { value: "table" } });
  await screen.findByText("Your choice.", { selector: ".taken span" });
  expect(kind.value).toBe("table");
  await fireEvent.change(screen.getByLabelText("Sheet"), { target: { value: "2024" } });
  await waitFor(() => expect(host.asked.filter((call) => call === "retake").length).toBe(2));
  await waitFor(() => expect(screen.getByTestId<HTMLSelectElement>("part-select").value).toBe("2024"));
});

test("a problem shows its rows at a click, a page at a time; a split can be chosen", async () => {
  const { host } = await openProject();
  const item = (await screen.findByText(/37 rows are copies/)).closest("li")!;
  await fireEvent.click(await within(item).findByTestId("show-rows"));
  const panel = await screen.findByTestId("problem-rows");
  await within(panel).findByText("Rows 1–10 of 37");
  await fireEvent.click(within(panel).getByRole("button", { name: "Later rows" }));
  await within(panel).findByText("Rows 11–20 of 37");
  expect(within(panel).getAllByText("110").length).toBeGreaterThan(0);
  await fireEvent.click(within(item).getByRole("button", { name: "Hide the rows" }));
  await waitFor(() => expect(screen.queryByTestId("problem-rows")).toBeNull());
  await fireEvent.click(screen.getByText("Settings in force"));
  await fireEvent.click(await screen.findByTestId("adjust-open"));
  const split = await screen.findByTestId<HTMLSelectElement>("split-select");
  expect([...split.options].map(({ value }) => value)).toEqual(["", "random", "group", "time"]);
  await fireEvent.change(split, { target: { value: "time" } });
  expect((await screen.findByTestId<HTMLSelectElement>("split-column")).value).toBe("sold");
  await screen.findByText("the latest by 'sold'");
  expect(host.asked.filter((call) => call === "health").length).toBe(2);
});

test("a file dropped anywhere starts a project", async () => {
  const { host } = open();
  await screen.findByTestId("drop-zone");
  await fireEvent.drop(document.body, { dataTransfer: { types: ["Files"], files: [new File(["a"], "homes.csv")] } });
  await screen.findByTestId("profile");
  expect(host.asked).toContain("createProject");
});

test("a refused file says what happened and what to do", async () => {
  const host = new FakeHost();
  host.refuse = new AppError("fileNotText", "'photo.csv' is not text: byte 7 is 0.", "Save it as CSV from the program that made it.");
  open(host);
  await screen.findByTestId("drop-zone");
  await choose([new File(["a"], "photo.csv")]);
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("This is not a table");
  expect(alert.textContent).toContain("byte 7 is 0");
  await fireEvent.click(within(alert).getByRole("button", { name: "Close" }));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("the language follows the system, changes at once, and is kept", async () => {
  const page = new FakePage();
  page.wishes = ["zh-CN", "en"];
  const { host } = open(new FakeHost(), page);
  expect(await screen.findByRole("heading", { level: 1, name: "用你自己的数据训练一个神经网络" })).toBeTruthy();
  const select = screen.getByTestId<HTMLSelectElement>("language");
  expect(select.value).toBe("zh");
  await fireEvent.change(select, { target: { value: "en" } });
  expect(await screen.findByRole("heading", { level: 1, name: "Train a network on your own data" })).toBeTruthy();
  await waitFor(() => expect(host.settings.language).toBe("en"));
  expect(page.look?.language).toBe("en");
});

test("another target makes another plan; a column can be left out", async () => {
  const { host, id } = await openProject();
  await screen.findByText("A network will learn to predict the number 'price' from 6 inputs.");
  await fireEvent.change(screen.getByTestId("target-select"), { target: { value: "district" } });
  await screen.findByText("A network will learn to tell which of 6 values 'district' has, from 6 inputs.");
  expect(screen.getByText("Your choice.")).toBeTruthy();
  await fireEvent.click(screen.getByRole("checkbox", { name: "Use 'area' as an input" }));
  await screen.findByText("A network will learn to tell which of 6 values 'district' has, from 5 inputs.");
  const kept = await host.open();
  kept.close();
  expect(host.asked.filter((name) => name === "changeSpec")).toHaveLength(2);
  expect(id).toBe("p1");
});

test("a training runs, pauses, goes on, ends, and shows its result", async () => {
  const { host, id } = await openProject();
  await screen.findByText(/will learn to predict/);
  await fireEvent.click(screen.getByTestId("start-training"));
  expect(await screen.findByTestId("loss-chart")).toBeTruthy();
  expect(screen.getByTestId("memory-gauge").textContent).toContain("6.9 GB of 16.6 GB in use");
  expect(screen.queryByTestId("start-training")).toBeNull();
  const run = host.status().running[0]!.run;

  await fireEvent.click(screen.getByTestId("pause"));
  const resume = await screen.findByTestId<HTMLButtonElement>("resume");
  await waitFor(() => expect(resume.disabled).toBe(false));
  expect(screen.queryByTestId("pause")).toBeNull();
  await fireEvent.click(resume);
  await screen.findByTestId("pause");

  host.advance(id, run, 400);
  await screen.findByText(/It is learning/);
  host.advance(id, run, 5000);
  expect((await screen.findByTestId("test-metric")).textContent).toBe("0.874");
  expect(screen.getByTestId("baseline").textContent).toContain("The network beats both.");
  expect(await screen.findByTestId("try-form")).toBeTruthy();
  expect(screen.getByTestId("start-training").textContent).toContain("Train again");
});

test("stop ends a training and keeps the best", async () => {
  const { host } = await openProject((fake, id) => fake.addRun(id, "running", 800));
  await fireEvent.click(await screen.findByTestId("stop"));
  expect(await screen.findByTestId("test-metric")).toBeTruthy();
  expect(host.asked).toContain("stopRun");
});

test("an interrupted training can go on", async () => {
  await openProject((fake, id) => fake.addRun(id, "interrupted", 800));
  await fireEvent.click(await screen.findByTestId("resume"));
  expect(await screen.findByTestId("pause")).toBeTruthy();
});

test("a network that does not beat the linear model is told so", async () => {
  await openProject((fake, id) => fake.addRun(id, "done", 1600, true));
  expect((await screen.findByTestId("baseline")).textContent).toContain("A linear model does as well or better here.");
});

test("the confusion matrix is a table that can be read", async () => {
  await openProject((fake, id) => fake.addRun(id, "done", 1600), penguins);
  expect((await screen.findByTestId("test-metric")).textContent).toBe("97.1%");
  expect(screen.getByText("It gets 33 of 34 right.")).toBeTruthy();
  const row = within(await screen.findByRole("table", { name: "What it takes for what" })).getByRole("row", { name: /^Chinstrap/ });
  expect(
    within(row)
      .getAllByRole("cell")
      .map((cell) => cell.textContent),
  ).toEqual(["1", "6", "0"]);
});

test("the form answers as one types, and a number out of range is said to be a guess", async () => {
  await openProject((fake, id) => fake.addRun(id, "done", 1600));
  const form = await screen.findByTestId("try-form");
  await waitFor(() => expect(screen.getByTestId("prediction").textContent).toContain("418,800"));
  await fireEvent.input(within(form).getByLabelText("area"), { target: { value: "900" } });
  await waitFor(() => expect(screen.getByTestId("prediction").textContent).toContain("2,868,000"));
  expect(within(form).getByText(/Outside what it has seen \(18 – 340\)/)).toBeTruthy();
});

test("a file of rows becomes a file of predictions", async () => {
  const { door } = await openProject((fake, id) => fake.addRun(id, "done", 1600));
  const input = await screen.findByTestId<HTMLInputElement>("predict-file-input");
  Object.defineProperty(input, "files", { value: [new File(["a"], "rows.csv")], configurable: true });
  await fireEvent.change(input);
  expect(await screen.findByText("1,240 rows predicted.")).toBeTruthy();
  await fireEvent.click(screen.getByTestId("save-predictions"));
  await waitFor(() => expect(door.saved.map(({ name }) => name)).toEqual(["rows-predictions.csv"]));
});

test("the model is saved through the door", async () => {
  const { door } = await openProject((fake, id) => fake.addRun(id, "done", 1600));
  await fireEvent.click(await screen.findByTestId("export-onnx"));
  expect(await screen.findByText("model.onnx was saved.")).toBeTruthy();
  expect(door.saved[0]?.name).toBe("model.onnx");
});

test("what takes long can be cancelled, and says nothing more of it", async () => {
  const parts = [{ name: "2023" }, { name: "2024" }];
  const { host } = await openProject((fake, id) => fake.addRun(id, "done", 1600), { ...homes, format: "xlsx", part: "2023", parts });
  host.slow = true;
  await fireEvent.click(await screen.findByTestId("export-onnx"));
  await fireEvent.click(await screen.findByTestId("cancel-export"));
  await waitFor(() => expect(screen.queryByTestId("cancel-export")).toBeNull());
  expect(screen.queryByTestId("exported-onnx")).toBeNull();
  expect(screen.queryByRole("alert")).toBeNull();

  const part = screen.getByTestId<HTMLSelectElement>("part-select");
  await fireEvent.change(part, { target: { value: "2024" } });
  await fireEvent.click(await screen.findByTestId("cancel-retake"));
  await waitFor(() => expect(screen.queryByTestId("cancel-retake")).toBeNull());
  expect(part.value).toBe("2023");
});

test("a removed project comes back", async () => {
  const host = new FakeHost();
  host.addProject(homes);
  const page = new FakePage();
  page.goto("#/projects");
  open(host, page);
  await fireEvent.click(await screen.findByRole("button", { name: "Remove homes" }));
  expect(await screen.findByText("No projects yet")).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Undo" }));
  expect(await screen.findByRole("link", { name: "homes" })).toBeTruthy();
});

test("every finished training stands on the shelf and leads to its form", async () => {
  const host = new FakeHost();
  const { id } = host.addProject(homes);
  const { id: run } = host.addRun(id, "done", 1600);
  const page = new FakePage();
  page.goto("#/models");
  open(host, page);
  await fireEvent.click(await screen.findByRole("button", { name: "Try the model of homes" }));
  expect(page.hash()).toBe(`#/project/${id}/${run}/try`);
  expect(await screen.findByTestId("try-form")).toBeTruthy();
});

test("a lost connection is said calmly, and all is asked for again when it is back", async () => {
  const { host } = open();
  await screen.findByTestId("drop-zone");
  host.deaf = true;
  host.drop();
  expect(await screen.findByText(/The connection to Paddock is lost/)).toBeTruthy();
  host.addProject(homes);
  host.deaf = false;
  expect(await screen.findByText("homes", { selector: "b" }, { timeout: 3000 })).toBeTruthy();
  expect(screen.queryByText(/The connection to Paddock is lost/)).toBeNull();
});

test("the status line tells the truth", async () => {
  const host = new FakeHost();
  const { id } = host.addProject(homes);
  host.addRun(id, "running");
  host.networkRefused = 2;
  open(host);
  const line = await screen.findByRole("contentinfo");
  await waitFor(() => expect(line.textContent).toContain("Training: homes"));
  expect(line.textContent).toContain("CPU, 8 cores");
  expect(line.textContent).toContain("Network: 2 attempts refused");
});
