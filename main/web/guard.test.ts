import { describe, expect, test } from "vitest";
import { type Asked, refusal, sameToken } from "./guard.ts";

const good: Asked = { method: "GET", path: "/", host: "127.0.0.1:4000", origin: undefined, fetchSite: undefined, fetchMode: undefined };
const ask = (change: Partial<Asked>) => refusal({ ...good, ...change }, 4000);

describe("who may come in", () => {
  test("this machine's own names for the port, and no others", () => {
    for (const host of ["127.0.0.1:4000", "localhost:4000", "LOCALHOST:4000", "[::1]:4000"]) expect(ask({ host })).toBeUndefined();
    for (const host of [
      undefined,
      "",
      "127.0.0.1",
      "127.0.0.1:4001",
      "evil.example:4000",
      "evil.example",
      "127.0.0.1.evil.example:4000",
      "[::]:4000",
      "0.0.0.0:4000",
    ])
      expect(ask({ host }), String(host)).toBeDefined();
  });

  test("the page's own origin, as it stands in Host", () => {
    expect(ask({ origin: "http://127.0.0.1:4000" })).toBeUndefined();
    for (const origin of ["null", "http://127.0.0.1:4001", "https://127.0.0.1:4000", "http://localhost:4000", "http://evil.example", ""])
      expect(ask({ origin }), origin).toBeDefined();
  });

  test("nothing that another site started, except a person's visit to the page", () => {
    for (const fetchSite of ["none", "same-origin"]) expect(ask({ fetchSite })).toBeUndefined();
    for (const fetchSite of ["cross-site", "same-site"]) {
      expect(ask({ fetchSite, path: "/assets/x.js" })).toBeDefined();
      expect(ask({ fetchSite, fetchMode: "no-cors" })).toBeDefined();
      expect(ask({ fetchSite, fetchMode: "navigate" })).toBeUndefined();
      expect(ask({ fetchSite, fetchMode: "navigate", method: "POST" })).toBeDefined();
    }
  });
});

test("a token is compared whole", () => {
  expect(sameToken("abc", "abc")).toBe(true);
  for (const given of [undefined, null, "", "ab", "abcd", "ABC"]) expect(sameToken(given, "abc")).toBe(false);
});
