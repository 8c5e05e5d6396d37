// npm run audit: what it makes of npm's report. Whether there are findings, only a registry that is asked can say.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { judge } from "../../scripts/audit.mjs";
import { root } from "../shared.ts";

const advisory = {
  source: 1,
  name: "leaky",
  title: "It leaks",
  url: "https://github.com/advisories/GHSA-aaaa-bbbb-cccc",
  severity: "high",
  range: "<2",
};
const report = { vulnerabilities: { leaky: { via: [advisory] }, outer: { via: ["leaky"] } } };
const argued = { package: "leaky", why: "Only its parser leaks, and Paddock calls nothing but its writer.", until: "2026-12-31" };
const of = (exceptions: Record<string, unknown>, given: unknown = report) => judge(given, exceptions, "2026-06-01");

test("a finding fails, unless it is argued for that package and in time", () => {
  expect(of({})).toEqual(["GHSA-aaaa-bbbb-cccc (high) in leaky <2: It leaks"]);
  expect(of({ "GHSA-aaaa-bbbb-cccc": argued })).toEqual([]);
  for (const change of [{ until: "2026-05-31" }, { package: "other" }, { why: "fine" }])
    expect(of({ "GHSA-aaaa-bbbb-cccc": { ...argued, ...change } })).toHaveLength(1);
});

test("an argument that nothing needs fails; so does a report that is none", () => {
  expect(of({ "GHSA-aaaa-bbbb-cccc": argued }, { vulnerabilities: {} })).toEqual([
    "GHSA-aaaa-bbbb-cccc is argued, but is found no more: remove it",
  ]);
  for (const none of [null, {}, { error: { summary: "405" } }, { message: "not allowed" }]) expect(of({}, none)).toBeUndefined();
});

test("what is argued is argued whole", () => {
  const { exceptions } = JSON.parse(readFileSync(`${root}/scripts/auditExceptions.json`, "utf8")) as {
    exceptions: Record<string, typeof argued>;
  };
  for (const [id, { package: name, why, until }] of Object.entries(exceptions)) {
    expect(id).toMatch(/^GHSA-|^npm-/);
    expect([name.length > 0, why.length >= 40, /^\d{4}-\d\d-\d\d$/.test(until)], id).toEqual([true, true, true]);
  }
});
