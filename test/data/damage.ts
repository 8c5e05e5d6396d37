// Damage to files, the same in every run: cut, overwritten, doubled, filled with junk.
/** Mulberry32: the same damage in every run. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Damage = (bytes: Buffer, pick: (below: number) => number) => Buffer;
const damages: Damage[] = [
  (bytes, pick) => bytes.subarray(0, pick(bytes.length)), // not written to its end
  (bytes, pick) => {
    for (let i = 0, n = 1 + pick(8); i < n; i++) bytes[pick(bytes.length)] = pick(256);
    return bytes;
  },
  (bytes, pick) => {
    const at = pick(bytes.length);
    bytes.fill([0, 0xff, 0x7f][pick(3)]!, at, Math.min(bytes.length, at + 1 + pick(64))); // lengths that are absurd, in any order of bytes
    return bytes;
  },
  (bytes, pick) => {
    const at = pick(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(pick(bytes.length), bytes.length)]); // a part is gone or twice there
  },
  (bytes, pick) => {
    const at = pick(bytes.length);
    const junk = Buffer.from(Array.from({ length: 1 + pick(200) }, () => pick(256)));
    return Buffer.concat([bytes.subarray(0, at), junk, bytes.subarray(at)]);
  },
  (bytes, pick) => {
    bytes[pick(Math.min(bytes.length, 64))]! ^= 1 << pick(8); // in the head, where formats say what follows
    bytes[bytes.length - 1 - pick(Math.min(bytes.length, 64))]! ^= 1 << pick(8); // and in the tail, where some say it
    return bytes;
  },
];

/** A copy of the bytes, damaged in the way whose turn it is; the same for the same number. */
export const damaged = (bytes: Buffer, number: number): Buffer => damages[number % damages.length]!(Buffer.from(bytes), dice(number + 1));
