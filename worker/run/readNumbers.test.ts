import { expect, test } from "vitest";
import { readNested, readNpy } from "./readNumbers.ts";

function npy(shape: string, data = Buffer.alloc(24)): Buffer {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117) + "\n";
  const head = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header, "latin1"), data]);
}

test("arrays of NumPy: shapes that are none, or do not fit, are refused", () => {
  expect(readNpy(npy("2, 3"), "x.npy").dims).toEqual([2, 3]);
  for (const shape of ["-2, -3", "-1, 3", "2.5, 2", "1e400", "x", "7", "9007199254740993, 1"])
    expect(() => readNpy(npy(shape), "x.npy"), shape).toThrow(/cannot be read as a NumPy array/);
});

test("lists that nest without end are refused", () => {
  expect(() => readNested(`${"[".repeat(20_000)}1${"]".repeat(20_000)}`, "x")).toThrow(/nested more than 32 deep/);
});
