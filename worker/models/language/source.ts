// The weights that a family's graph asks for by name, out of whichever file: found under the names that the file has, with rows in the order
// that transformers has them. Rows of blocks move whole: nothing is unpacked for it.
import { AppError } from "../../../ipc/error.ts";
import { toFloat32 } from "../../formats/language/levels.ts";
import type { LanguageFile } from "../../formats/language/open.ts";
import type { WeightInfo, WeightType } from "../../formats/language/weights.ts";
import type { Tensor } from "../../tensor.ts";
import type { Family, Place, Shape } from "./family.ts";

/** One tensor as it is stored, with its rows in order. */
export interface Stored {
  type: WeightType;
  dims: readonly number[];
  bytes: Uint8Array;
}

export interface Source {
  has(name: string): boolean;
  /** What is known without reading the weights. */
  info(name: string): Pick<Stored, "type" | "dims">;
  read(name: string): Stored;
  /** The tensors of the file that have been asked for. */
  readonly used: ReadonlySet<string>;
  /** Weights that stay as they are, unpacked once for all graphs that are built of them. */
  readonly kept: Map<string, Tensor>;
}

export function sourceOf<C extends Shape>(file: LanguageFile, family: Family<C>, config: C, where: string): Source {
  const used = new Set<string>();
  const placeOf = (name: string): Place | undefined =>
    file.format === "gguf" ? family.inGguf(name, config) : (family.inHuggingface?.(name) ?? { names: [name] });
  const find = (name: string): { place: Place; info: WeightInfo } | undefined => {
    const place = placeOf(name);
    const own = place?.names.find((n) => file.infos.has(n));
    return place && own !== undefined ? { place, info: file.infos.get(own)! } : undefined;
  };
  const need = (name: string) => {
    const found = find(name);
    if (found) return found;
    throw new AppError(
      "modelInvalid",
      `${where} has no weights '${name}'.`,
      "The model is incomplete or of another family: copy it again.",
      {
        file: where,
        weight: name,
      },
    );
  };
  const seen = ({ place, info }: { place: Place; info: WeightInfo }) => ({
    type: place.plus || place.swapped ? ("F32" as const) : info.type,
    dims: place.swapped ? info.dims.toReversed() : info.dims,
  });
  return {
    used,
    kept: new Map(),
    has: (name) => find(name) !== undefined,
    info: (name) => seen(need(name)),
    read(name) {
      const found = need(name);
      const { place, info } = found;
      used.add(info.name);
      let bytes = file.bytes(info.name);
      if (place.rows) bytes = inOrder(bytes, info, place.rows);
      if (!place.plus && !place.swapped) return { type: info.type, dims: info.dims, bytes };
      let values = toFloat32(info, bytes);
      if (place.plus) values = values.map((x) => x + place.plus!);
      if (place.swapped) values = swapped(values, info.dims);
      return { ...seen(found), bytes: new Uint8Array(values.buffer) };
    },
  };
}

function inOrder(bytes: Uint8Array, { dims }: WeightInfo, rows: (row: number) => number): Uint8Array {
  const count = dims[0]!;
  const size = bytes.length / count;
  const out = new Uint8Array(bytes.length);
  for (let row = 0; row < count; row++) {
    const from = rows(row);
    out.set(bytes.subarray(from * size, (from + 1) * size), row * size);
  }
  return out;
}

function swapped(values: Float32Array, dims: readonly number[]): Float32Array {
  const [rows = 1, columns = 1] = dims;
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  return out;
}
