// A WebSocket as a Port: MessagePack frames, typed arrays kept (ipc/frames.ts). A client that reads too slowly is let go, so that the
// host's memory stays bounded; the page connects again and asks for what it needs.
import { decode, encode, ExtensionCodec } from "@msgpack/msgpack";
import type { WebSocket } from "ws";
import { arrayExtensions } from "../ipc/frames.ts";
import { Listeners, type Port } from "../ipc/port.ts";

/** Bytes: the largest frame taken in, and the most that may wait to be sent. */
export const socketLimits = { frame: 64 * 2 ** 20, waiting: 64 * 2 ** 20 };

const extensionCodec = new ExtensionCodec();
for (const { type, encode, decode } of arrayExtensions) extensionCodec.register({ type, encode, decode });

/** One message as a frame. Throws for what MessagePack cannot carry (functions, symbols, cycles deeper than 100). */
export function toFrame(message: unknown): Uint8Array {
  return encode(message, { extensionCodec, ignoreUndefined: true });
}

export function fromFrame(frame: Uint8Array): unknown {
  return decode(frame, { extensionCodec });
}

/** Wraps a socket that is open. Text frames and frames that are not MessagePack end the connection. */
export function socketPort(socket: WebSocket, limits: { waiting: number } = socketLimits): Port {
  const messages = new Listeners<[unknown]>();
  const closes = new Listeners<[string?]>();
  let reason: string | undefined;
  let gone = false;

  function drop(code: number, why: string): void {
    if (reason !== undefined) return;
    reason = why;
    socket.close(code, why);
    // The other side gets a moment to answer the close; one that does not read would keep its memory for ever.
    setTimeout(() => socket.terminate(), 1000).unref();
  }
  socket.on("message", (data, isBinary) => {
    if (reason !== undefined) return;
    let message: unknown;
    try {
      if (!isBinary) throw new TypeError("a text frame");
      message = fromFrame(data as Buffer);
    } catch {
      return drop(1003, "a frame that is not MessagePack");
    }
    messages.tell(message);
  });
  socket.on("error", (error) => (reason ??= error.message));
  socket.on("close", (_code, text) => {
    if (gone) return;
    gone = true;
    closes.tell(reason ?? (text.length > 0 ? text.toString("utf8") : undefined));
  });
  return {
    send(message) {
      if (socket.readyState !== socket.OPEN || reason !== undefined) return;
      const frame = toFrame(message);
      if (socket.bufferedAmount + frame.length > limits.waiting) {
        reason = "the page reads too slowly";
        return socket.terminate();
      }
      socket.send(frame, { binary: true });
    },
    onMessage: (listener) => messages.add(listener),
    onClose: (listener) => closes.add(listener),
    close: (why) => drop(1000, why ?? "closed"),
  };
}
