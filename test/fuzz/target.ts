// What is fuzzed: a reader, what its inputs are made of, and a few sound inputs to begin with.
import type { ErrorCode } from "../../ipc/error.ts";
import type { Dice } from "./dice.ts";

/** The files of one input, in the order of `Target.parts`. */
export type Input = readonly Buffer[];

export interface Target {
  /** Names of the files an input consists of: most have one. */
  parts: readonly string[];
  /** Sound inputs. `folder` is empty, and goes afterwards. */
  seeds(folder: string): Promise<Input[]> | Input[];
  /**
   * Reads the input. To throw an AppError of exit code 3, or of a code in `also`, is right; to throw anything else is a finding, as is to leave
   * something behind in `folder`.
   * @param folder an empty folder to put the files into; it is emptied afterwards
   */
  read(input: Input, folder: string): Promise<unknown> | unknown;
  /** Other codes that may come out. */
  also?: readonly ErrorCode[];
  /** Modules whose words (strings in the code) inputs may hold: paths. */
  code: RegExp;
  /** Words of the format, besides those in the reader's code. */
  words?: readonly string[];
  /** A change that knows the format; tried in a third of the inputs. Undefined where it cannot be made. */
  change?(input: Input, dice: Dice): Input | undefined;
  /** Makes checksums right again, so that what lies behind them is reached; in half of the inputs. */
  mend?(input: Input): Input;
  /** Bytes of a part, at most; default 256 KiB. */
  most?: number;
  /** Processor seconds for one input, at most; default 10. */
  seconds?: number;
}

/** An input as one file: the part itself, or all of them, each after its length (uint32, little-endian). */
export function packed(input: Input): Buffer {
  if (input.length === 1) return input[0]!;
  return Buffer.concat(
    input.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(part.length);
      return [length, part];
    }),
  );
}

/** The reverse, for a target with so many parts. */
export function unpacked(bytes: Buffer, parts: number): Input {
  if (parts === 1) return [bytes];
  const input: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < parts; i++) {
    const length = bytes.readUInt32LE(at);
    input.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return input;
}
