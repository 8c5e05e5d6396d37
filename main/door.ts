// What a door needs of the host, and how a page is let in: calls are answered on its port, the host's events flow to it.
import type { HostApi, HostEvents } from "../ipc/host.ts";
import type { Dispose, Port } from "../ipc/port.ts";
import { type Handlers, serve } from "../ipc/rpc.ts";
import type { Handouts } from "./handouts.ts";

export interface DoorHost {
  handlers: Handlers<HostApi>;
  onEvent(listener: <K extends keyof HostEvents & string>(name: K, value: HostEvents[K]) => void): Dispose;
  /** Takes in a file whole or not at all; the id names it in `createProject` and `predictFile`. */
  receiveUpload(name: string, stream: AsyncIterable<Uint8Array>): Promise<{ id: string }>;
  dispose(): Promise<void>;
}

/** Serves the host on a page's port until the port closes. Files handed out on the way are remembered in `handouts`. */
export function letIn(port: Port, host: DoorHost, handouts: Handouts): Dispose {
  const server = serve<HostApi, HostEvents>(port, handouts.watch(host.handlers));
  const off = host.onEvent((name, value) => server.emit(name, value));
  let inside = true;
  const leave = () => {
    if (!inside) return;
    inside = false;
    off();
    server.dispose();
  };
  port.onClose(leave);
  return leave;
}
