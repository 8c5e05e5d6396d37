// Typed arrays over MessagePack, the same on both ends of the browser door's WebSocket: one extension type for each kind of array, so
// that what is a Float32Array here is one there. (A Uint8Array is MessagePack's own `bin`.) The bytes are little-endian, as on every
// machine that Paddock runs on.

type AnyArray =
  Int8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array;

interface ArrayKind {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): AnyArray;
}

export interface ArrayExtension {
  /** MessagePack extension type. Never renumber: add at the end. */
  type: number;
  /** The bytes of the array, or null when the value is not this kind of array. */
  encode(value: unknown): Uint8Array | null;
  /** A copy, so that it is aligned; throws when the bytes are not a whole number of elements. */
  decode(bytes: Uint8Array): AnyArray;
}

function extension(type: number, Kind: ArrayKind): ArrayExtension {
  return {
    type,
    encode(value) {
      if (!(value instanceof Kind)) return null;
      return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
    },
    decode(bytes) {
      if (bytes.length % Kind.BYTES_PER_ELEMENT !== 0)
        throw new RangeError(`A frame holds ${bytes.length} bytes of ${Kind.BYTES_PER_ELEMENT}-byte numbers.`);
      return new Kind(new Uint8Array(bytes).buffer); // slice() of a Node Buffer would be a view
    },
  };
}

const kinds = [Int8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array];

/** Register each with a MessagePack ExtensionCodec, and encode with `ignoreUndefined: true`: an absent field stays absent. */
export const arrayExtensions: readonly ArrayExtension[] = kinds.map((Kind, i) => extension(i + 1, Kind as unknown as ArrayKind));
