import { expect, test } from "vitest";
import { Builder } from "../ops/builder.ts";
import { rewrite } from "./rewrite.ts";

test("new nodes have names of their own, beside nodes whose values were renamed", () => {
  const g = new Builder("net");
  const x = g.input("x", "float32", [2]);
  g.output(g.exp(g.add(x, 1)));
  g.graph.rename(new Map([["Add", "sum"]])); // the node is still called Add
  const { nodes } = rewrite(g.graph, (to, node, [value]) => (node.type === "Exp" ? [to.exp(to.add(value!, value!))] : undefined));
  expect(nodes.map((n) => n.type)).toEqual(["Add", "Add", "Exp", "Identity"]);
  expect(new Set(nodes.map((n) => n.name)).size).toBe(4);
});
