import { expect, test } from "vitest";
import { readRoute, type Route, writeRoute } from "./route.ts";

const routes: Route[] = [
  { screen: "home" },
  { screen: "learn" },
  { screen: "project", id: "homes 2/3" },
  { screen: "project", id: "a", run: "r1" },
  { screen: "project", id: "a", section: "try" },
  { screen: "project", id: "a", run: "r1", section: "result" },
];

test.each(routes)("an address leads back to where it came from: %o", (route) => {
  expect(readRoute(writeRoute(route))).toEqual(route);
});

test("what is no address is home", () => {
  for (const hash of ["", "#", "#/", "#/nowhere", "#/project", "#/%E0%A4%A"]) expect(readRoute(hash)).toEqual({ screen: "home" });
});
