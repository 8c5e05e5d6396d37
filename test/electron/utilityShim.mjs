// What Electron's utility process offers its script, over a plain child process: process.parentPort, which keeps messages until
// somebody listens, and no process.send.
import { EventEmitter } from "node:events";
import { pathToFileURL } from "node:url";

const send = process.send.bind(process);
process.send = undefined;
const parentPort = new EventEmitter();
parentPort.postMessage = (message) => send(message);
parentPort.once("newListener", () =>
  process.on("message", (data) => queueMicrotask(() => parentPort.emit("message", { data, ports: [] }))),
);
process.parentPort = parentPort;
process.on("disconnect", () => process.exit(0));
await import(pathToFileURL(process.argv[2]).href);
