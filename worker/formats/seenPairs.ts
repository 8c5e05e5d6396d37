// Which items each user has, beside a recommender: so that nobody is recommended what they have. seen.bin is little-endian int32:
// "PDSN", version, users, pairs, starts (users + 1), items (pairs). Users and items are places in the model's lists of ids.
import { AppError } from "../../ipc/error.ts";

export interface SeenPairs {
  starts: Uint32Array;
  item: Int32Array;
}

const magic = 0x4e534450;
const version = 1;

export function writeSeen({ starts, item }: SeenPairs): Uint8Array {
  const bytes = new Uint8Array(4 * (4 + starts.length + item.length));
  const view = new DataView(bytes.buffer);
  [magic, version, starts.length - 1, item.length].forEach((word, i) => view.setInt32(4 * i, word, true));
  starts.forEach((word, i) => view.setUint32(4 * (4 + i), word, true));
  item.forEach((word, i) => view.setInt32(4 * (4 + starts.length + i), word, true));
  return bytes;
}

/**
 * @param limits how many users and items the model knows
 * @throws AppError modelInvalid where counts, order or places do not fit the file or the model
 */
export function readSeen(bytes: Uint8Array, limits: { users: number; items: number }, file: string): SeenPairs {
  const invalid = (why: string) => new AppError("modelInvalid", `'${file}' is damaged: ${why}.`, "Train again.", { file });
  if (bytes.length < 20 || bytes.length % 4 !== 0) throw invalid("its length is wrong");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (i: number) => view.getInt32(4 * i, true);
  if (word(0) !== magic || word(1) !== version) throw invalid("it does not begin as such a file does");
  const [users, pairs] = [word(2), word(3)];
  if (users !== limits.users) throw invalid(`it is of ${users} users, the model of ${limits.users}`);
  if (pairs < 0 || bytes.length !== 4 * (5 + users + pairs)) throw invalid("its counts do not fit its length");
  const starts = Uint32Array.from({ length: users + 1 }, (_, i) => view.getUint32(4 * (4 + i), true));
  if (starts[0] !== 0 || starts[users] !== pairs || starts.some((at, i) => i > 0 && at < starts[i - 1]!))
    throw invalid("its places are out of order");
  const item = Int32Array.from({ length: pairs }, (_, i) => word(5 + users + i));
  if (item.some((at) => at < 0 || at >= limits.items)) throw invalid("it names items that the model does not know");
  return { starts, item };
}
