// A MessagePort from a page as a Port. Messages are structured clones: typed arrays stay what they are.
import type { MessagePortMain } from "electron";
import { Listeners, type Port } from "../ipc/port.ts";

export function electronPort(end: Pick<MessagePortMain, "postMessage" | "on" | "start" | "close">): Port {
  const messages = new Listeners<[unknown]>();
  const closes = new Listeners<[string?]>();
  let open = true;
  let reason: string | undefined;
  end.on("message", (event) => open && messages.tell(event.data));
  end.on("close", () => {
    if (!open && reason === undefined) return;
    open = false;
    closes.tell(reason ?? "the window was closed or loaded again");
    reason = undefined;
  });
  end.start();
  return {
    send: (message) => open && end.postMessage(message),
    onMessage: (listener) => messages.add(listener),
    onClose: (listener) => closes.add(listener),
    close(why) {
      if (!open) return;
      open = false;
      reason = why ?? "closed";
      end.close();
    },
  };
}
