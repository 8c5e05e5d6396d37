import { expect, test, vi } from "vitest";
import { memoryPair, type Port } from "../ipc/port.ts";
import { FakeHost } from "./fake/host.ts";
import { Link, type LinkState } from "./link.ts";

test("calls wait for the first connection", async () => {
  const host = new FakeHost();
  const link = new Link(host.open);
  expect((await link.call.app()).version).toBe("0.1.0");
  link.close();
});

test("a lost connection is told, calls are refused, and listeners are carried over to the next one", async () => {
  vi.useFakeTimers();
  try {
    const host = new FakeHost();
    const link = new Link(host.open);
    const states: LinkState[] = [];
    link.onState((state) => states.push(state));
    const seen = vi.fn();
    link.listen("projectsChanged", seen);
    await link.call.app();

    host.deaf = true;
    host.drop();
    await vi.advanceTimersByTimeAsync(1);
    await expect(link.call.app()).rejects.toMatchObject({ code: "connectionLost" });
    host.deaf = false;
    await vi.advanceTimersByTimeAsync(1000);
    host.emit("projectsChanged", { ids: ["p1"] });
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toHaveBeenCalledExactlyOnceWith({ ids: ["p1"] });
    expect(states[0]).toBe("open");
    expect(states).toContain("lost");
    expect(states.at(-1)).toBe("open");
    expect((await link.call.app()).cores).toBe(8);
    link.close();
  } finally {
    vi.useRealTimers();
  }
});

test("a link that was closed does not connect again", async () => {
  const opened: Port[] = [];
  const link = new Link(async () => {
    const [here, there] = memoryPair();
    opened.push(there);
    return here;
  });
  await vi.waitFor(() => expect(opened).toHaveLength(1));
  link.close();
  await Promise.resolve();
  expect(opened).toHaveLength(1);
});
