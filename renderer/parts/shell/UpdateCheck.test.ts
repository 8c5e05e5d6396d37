import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import App from "../../App.svelte";
import { fakeApp } from "../../fake/door.ts";

afterEach(cleanup);

async function open() {
  const world = fakeApp();
  render(App, { app: world.app });
  await waitFor(() => expect(world.app.info).toBeDefined());
  return world;
}

test("an update that is dropped is checked in the settings, and its installer can be saved", async () => {
  const { app, door } = await open();
  await app.takeFiles([new File(["x"], "Paddock-0.2.0-x64-appimage.update.zip")]);
  const panel = within(await screen.findByTestId("update"));
  expect(await panel.findByText(/Signed by who made this Paddock: version 0\.2\.0/)).toBeTruthy();
  expect(panel.getByText(/put this file in the place of the old one/)).toBeTruthy();
  await fireEvent.click(panel.getByRole("button", { name: "Save the installer" }));
  await waitFor(() => expect(door.saved.map(({ name }) => name)).toEqual(["Paddock-0.2.0-x64.AppImage"]));
});

test("one that is not signed is refused in words, and nothing is offered", async () => {
  const { app } = await open();
  app.settingsOpen = true;
  const panel = within(await screen.findByTestId("update"));
  const input = panel.getByTestId("update-file") as HTMLInputElement;
  Object.defineProperty(input, "files", { value: [new File(["x"], "evil.update.zip")], configurable: true });
  await fireEvent.change(input);
  expect(await panel.findByText("The update is not signed by Paddock")).toBeTruthy();
  expect(panel.queryByRole("button", { name: "Save the installer" })).toBeNull();
});

test("a build without a key says that it takes none", async () => {
  const { app } = await open();
  app.info = { ...app.info!, updates: false };
  app.settingsOpen = true;
  const panel = within(await screen.findByTestId("update"));
  expect(panel.getByText(/has no key to check updates by/)).toBeTruthy();
  expect(panel.queryByRole("button")).toBeNull();
});
