// Counts where code goes: a plugin for Vite that puts a counter at the beginning of every block, branch and case of our own modules (and of the
// packages named), and notes what strict comparisons compare. All modules share globalThis.__fuzz, with one Uint8Array of counters.
// As AFL does it: https://lcamtuf.coredump.cx/afl/technical_details.txt, 1. Coverage measurements, and RedQueen for the comparisons.
import MagicString from "magic-string";

const children = (node) =>
  Object.entries(node).flatMap(([key, value]) =>
    key === "parent" || typeof value !== "object" || value === null
      ? []
      : Array.isArray(value)
        ? value.filter((one) => typeof one?.type === "string")
        : typeof value.type === "string"
          ? [value]
          : [],
  );

/** Words that a file of the format may hold: the strings that the reader's own code holds. */
const isWord = (text) => typeof text === "string" && text.length > 1 && text.length <= 32 && !/^\.|\s\w+\s/.test(text);
/** Comparisons that tell nothing of the input's bytes. */
const plain = ({ type, value, operator, name }) =>
  (type === "Literal" && (value === null || typeof value === "boolean")) || operator === "typeof" || name === "undefined";

const mostCounters = 2 ** 17;
/** feedback.ts puts itself in the place of `same`. */
const prelude = `const __f = (globalThis.__fuzz ??= { reached: new Uint8Array(${mostCounters}), same: (asked, a, b) => (a === b) === asked }), __r = __f.reached, __same = (asked, a, b) => __f.same(asked, a, b);\n`;

/** @param {RegExp} which paths of modules that are counted */
export function instrument(which) {
  let count = 0;
  const words = {};
  return {
    name: "instrument",
    enforce: "post",
    transform(code, id) {
      if (!which.test(id.replaceAll("\\", "/"))) return undefined;
      const text = new MagicString(code);
      const path = id.replaceAll("\\", "/");
      const own = new Set();
      const here = () => `__r[${count++}]++`;
      const wrap = (node) => text.appendRight(node.start, `(${here()},(`).prependLeft(node.end, "))");
      const body = (node) => {
        if (!node) return;
        if (node.type !== "BlockStatement") text.appendRight(node.start, `{${here()};`).prependLeft(node.end, "}");
      };
      const walk = (node) => {
        switch (node.type) {
          case "ImportDeclaration":
          case "ExportAllDeclaration":
            return;
          case "BlockStatement": {
            const first = node.body.find((one) => !one.directive);
            text.appendLeft(first ? first.start : node.end - 1, `${here()};`);
            break;
          }
          case "IfStatement":
            body(node.consequent);
            if (node.alternate?.type !== "IfStatement") body(node.alternate);
            break;
          case "ForStatement":
          case "ForOfStatement":
          case "ForInStatement":
          case "WhileStatement":
            body(node.body);
            break;
          case "SwitchCase":
            if (node.consequent.length) text.appendLeft(node.consequent[0].start, `${here()};`);
            break;
          case "ConditionalExpression":
            wrap(node.consequent);
            wrap(node.alternate);
            break;
          case "LogicalExpression":
            wrap(node.right);
            break;
          case "ArrowFunctionExpression":
            if (node.expression) wrap(node.body);
            break;
          case "BinaryExpression":
            if ((node.operator === "===" || node.operator === "!==") && !plain(node.left) && !plain(node.right)) {
              text.appendRight(node.start, `__same(${node.operator === "==="},`);
              text.overwrite(node.left.end, node.right.start, separator(code.slice(node.left.end, node.right.start)));
              text.prependLeft(node.end, ")");
            }
            break;
          case "Literal":
            if (isWord(node.value)) own.add(node.value);
            break;
        }
        for (const child of children(node)) walk(child);
      };
      walk(this.parse(code));
      if (count > mostCounters) throw new Error(`more than ${mostCounters} counters`);
      words[path] = [...own];
      text.prepend(prelude);
      return { code: text.toString(), map: text.generateMap({ hires: "boundary" }) };
    },
    /** Beside the bundle: how many counters there are, and the words by module. */
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "instrumented.json", source: JSON.stringify({ counters: count, words }) });
    },
  };
}

/** What stands between the two sides of a comparison: brackets and comments stay, the operator becomes a comma. */
const separator = (between) => between.replace(/[!=]==/, ",");
