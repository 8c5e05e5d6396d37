import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import { defaultSettings } from "../../ipc/host.ts";
import App from "../App.svelte";
import { fakeApp } from "../fake/door.ts";
import { tongue } from "../state/words.svelte.ts";

afterEach(() => {
  cleanup();
  tongue.now = "en";
});

async function open() {
  const world = fakeApp();
  world.app.settingsOpen = true;
  render(App, { app: world.app });
  const panel = await screen.findByTestId("settings");
  await waitFor(() => expect(within(panel).queryByText("WebGPU")).toBeTruthy());
  return { ...world, panel: within(panel) };
}
const field = (panel: ReturnType<typeof within>, name: string) => panel.getByLabelText(name) as HTMLSelectElement;
const pick = (select: HTMLSelectElement, value: string) => fireEvent.change(select, { target: { value } });

test("every setting says what it does, what it usually is and why", async () => {
  const { panel } = await open();
  for (const name of ["Language", "Theme", "Device", "Longest training time"]) {
    const help = document.getElementById(field(panel, name).getAttribute("aria-describedby")!)!;
    expect(help.textContent).toMatch(/Usually “.+”: .+\./);
  }
});

test("language, theme and longest time hold at once and are kept by the host", async () => {
  const { panel, host, page } = await open();
  await pick(field(panel, "Theme"), "dark");
  await waitFor(() => expect(host.settings.theme).toBe("dark"));
  expect(page.look?.theme).toBe("dark");
  await pick(field(panel, "Longest training time"), "3600");
  await waitFor(() => expect(host.settings.maxSeconds).toBe(3600));
  await pick(field(panel, "Language"), "zh");
  await waitFor(() => expect(panel.getByLabelText("最长训练时间")).toBeTruthy());
  expect(host.settings.language).toBe("zh");
});

test("a device that does not work is shown with its reason and cannot be chosen", async () => {
  const { panel } = await open();
  const options = [...field(panel, "Device").options];
  expect(options.find((option) => option.value === "webgpu")?.disabled).toBe(true);
  expect(panel.getByText("No adapter was found.")).toBeTruthy();
});

test("shows where the workspace is, the version and the refused attempts; the usual settings come back with one press", async () => {
  const { panel, host } = await open();
  expect(panel.getByText("~/Paddock")).toBeTruthy();
  expect(panel.getByText(/^Paddock 0\.1\.0/)).toBeTruthy();
  expect(panel.getByText("No attempt to reach it since the start.")).toBeTruthy();
  await pick(field(panel, "Theme"), "light");
  await fireEvent.click(panel.getByRole("button", { name: "Restore the usual settings" }));
  await waitFor(() => expect(host.settings).toEqual(defaultSettings));
});
