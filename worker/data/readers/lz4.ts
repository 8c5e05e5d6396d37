// LZ4 frames and blocks to bytes (lz4_Frame_format.md, lz4_Block_format.md), for Arrow's compressed buffers. Checksums are passed over.

/** By the frame's number for it. */
const blockSizes: Record<number, number> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 };

/** @param most bytes that may come out. Throws a plain Error where the frame is not whole or gives more. */
export function lz4(frame: Uint8Array, most: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 7 || view.getUint32(0, true) !== 0x184d2204) throw new Error("no LZ4 frame");
  const flags = frame[4]!;
  if (flags >> 6 !== 1 || flags & 1) throw new Error("an LZ4 frame of an unknown kind");
  let at = 6 + (flags & 8 ? 8 : 0) + 1;
  const largest = blockSizes[(frame[5]! >> 4) & 7];
  if (largest === undefined) throw new Error("LZ4 blocks of an unknown size");
  let out = new Uint8Array(Math.min(most, Math.max(largest, frame.length * 3)));
  let filled = 0;
  for (;;) {
    if (at + 4 > frame.length) throw new Error("an LZ4 frame without end");
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) break;
    const length = head & 0x7fffffff;
    if (at + length > frame.length) throw new Error("an LZ4 block longer than its frame");
    const block = frame.subarray(at, at + length);
    if (out.length - filled < largest && out.length < most) {
      const wider = new Uint8Array(Math.min(most, 2 * out.length + largest));
      wider.set(out);
      out = wider;
    }
    if (head >>> 31) {
      if (filled + length > out.length) throw new Error("more bytes than expected");
      out.set(block, filled);
      filled += length;
    } else filled = unpack(block, out, filled);
    at += length + (flags & 16 ? 4 : 0);
  }
  return out.subarray(0, filled);
}

/** Unpacks one block to `out` from `to` on; matches may reach back into the blocks before. Answers where it ended. */
function unpack(block: Uint8Array, out: Uint8Array, to: number): number {
  let at = 0;
  const more = (start: number): number => {
    let length = start;
    if (start === 15)
      for (;;) {
        if (at >= block.length) throw new Error("an LZ4 block without end");
        const byte = block[at++]!;
        length += byte;
        if (byte !== 255) break;
      }
    return length;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = more(token >> 4);
    if (at + literals > block.length || to + literals > out.length) throw new Error("an LZ4 block beyond its end");
    out.set(block.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === block.length) return to;
    if (at + 2 > block.length) throw new Error("an LZ4 block without end");
    const back = block[at]! | (block[at + 1]! << 8);
    at += 2;
    const length = more(token & 15) + 4;
    if (back === 0 || back > to || to + length > out.length) throw new Error("an LZ4 match outside of its block");
    if (back >= length) out.copyWithin(to, to - back, to - back + length);
    else for (let i = 0; i < length; i++) out[to + i] = out[to - back + i]!;
    to += length;
  }
  return to;
}
