// Which items each user has, beside a recommender: so that nobody is recommended what they have. seen.bin is little-endian int32:
// "PDSN", version, users, pairs, starts (users + 1), items (pairs). Users and items are places in the model's lists of ids. Version 2 has the
// ratings behind them, float32 (pairs).
import { AppError } from "../../ipc/error.ts";

export interface SeenPairs {
  starts: Uint32Array;
  item: Int32Array;
  /** Where the file has ratings. */
  rating?: Float32Array;
}

const magic = 0x4e534450;
/** Without ratings, and with them. */
const [plain, rated] = [1, 2];

export function writeSeen({ starts, item, rating }: SeenPairs): Uint8Array {
  // Every machine that Paddock runs on is little-endian.
  const words = new Int32Array(4 + starts.length + item.length + (rating ? item.length : 0));
  words.set([magic, rating ? rated : plain, starts.length - 1, item.length]);
  words.set(starts, 4);
  words.set(item, 4 + starts.length);
  if (rating) new Float32Array(words.buffer).set(rating, 4 + starts.length + item.length);
  return new Uint8Array(words.buffer);
}

/**
 * @param limits how many users and items the model knows
 * @throws AppError modelInvalid where counts, order or places do not fit the file or the model
 */
export function readSeen(bytes: Uint8Array, limits: { users: number; items: number }, file: string): SeenPairs {
  const invalid = (why: string) => new AppError("modelInvalid", `'${file}' is damaged: ${why}.`, "Train again.", { file });
  if (bytes.length < 20 || bytes.length % 4 !== 0) throw invalid("its length is wrong");
  const whole = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Int32Array(whole.buffer, whole.byteOffset, whole.length / 4);
  const [begin, version, users, pairs] = words as unknown as [number, number, number, number];
  if (begin !== magic || (version !== plain && version !== rated)) throw invalid("it does not begin as such a file does");
  if (users !== limits.users) throw invalid(`it is of ${users} users, the model of ${limits.users}`);
  if (pairs < 0 || words.length !== 5 + users + (version === rated ? 2 : 1) * pairs) throw invalid("its counts do not fit its length");
  const starts = new Uint32Array(words.slice(4, 5 + users).buffer);
  if (starts[0] !== 0 || starts[users] !== pairs || starts.some((at, i) => i > 0 && at < starts[i - 1]!))
    throw invalid("its places are out of order");
  const item = words.slice(5 + users, 5 + users + pairs);
  if (item.some((at) => at < 0 || at >= limits.items)) throw invalid("it names items that the model does not know");
  return { starts, item, ...(version === rated ? { rating: new Float32Array(words.slice(5 + users + pairs).buffer) } : {}) };
}
