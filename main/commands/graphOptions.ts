// Flags that the commands on ONNX files share.
import { InvalidArgumentError } from "commander";
import type { TensorInfo } from "../../ipc/types.ts";
import { whole } from "./values.ts";

/** Names between commas. */
export function names(text: string): string[] {
  const found = text.split(",").map((name) => name.trim());
  if (found.some((name) => name === "")) throw new InvalidArgumentError("It wants names between commas.");
  return found;
}

/** name=size, collected. */
export function size(text: string, before: Record<string, number> = {}): Record<string, number> {
  const at = text.lastIndexOf("=");
  if (at < 1) throw new InvalidArgumentError("It wants a name and a size, such as batch=4.");
  return { ...before, [text.slice(0, at)]: whole(1)(text.slice(at + 1)) };
}
export const sizeHelp = "fix a named length (batch=4), or one by its place (x.0=4); may be given again";

export const shown = ({ name, dtype, shape }: TensorInfo): [string, string] => [name, `${dtype}[${shape.join(", ")}]`];
