import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import App from "../App.svelte";
import { fakeApp } from "../fake/door.ts";
import { tongue } from "../state/words.svelte.ts";

afterEach(() => {
  cleanup();
  tongue.now = "en";
});

test("six billion parameters: parts, where they fit with less, and other uses; what is no size is said beside its field", async () => {
  const { app } = fakeApp();
  render(App, { app });
  app.goto({ screen: "plan" });
  const parts = await screen.findByTestId("memory-parts");
  expect(parts.textContent).toMatch(/Weights\s*22\.4 GiB/);
  expect(parts.textContent).not.toContain("Gradients");
  expect(screen.getByTestId("fit-cpu").textContent).toMatch(/Fits with less.*4 bits: /s);
  expect(screen.getByTestId("fit-cuda").textContent).toContain("Does not work here");
  expect(screen.queryByTestId("memory-try")).toBeNull(); // nothing to be tried
  await fireEvent.change(screen.getByTestId("memory-method"), { target: { value: "full" } });
  await waitFor(() => expect(screen.getByTestId("memory-parts").textContent).toMatch(/Gradients\s*22\.4 GiB\s*Optimizer\s*44\.7 GiB/));
  await fireEvent.input(screen.getByTestId("memory-size"), { target: { value: "-3B" } });
  await waitFor(() => expect(screen.getByTestId("memory-form").textContent).toContain("Write from 1K to 100T parameters"));
  expect(screen.queryByTestId("memory-total")).toBeNull();
});

test("a model of the shelf is tried, and forecast and measured stand together", async () => {
  const { app } = fakeApp();
  render(App, { app });
  const { model } = await app.call.importModel({ source: { kind: "path", path: "a.onnx" } });
  app.goto({ screen: "plan", id: model.id });
  await fireEvent.click(await screen.findByTestId("memory-try"));
  await waitFor(() => expect(screen.getByTestId("memory-measured").textContent).toMatch(/Forecast .*iB · Measured .*iB · 3\.8% apart/));
});
