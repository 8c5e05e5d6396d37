// A worker that answers calls the way the RPC does, for tests of how processes live and die.
const port = process.parentPort;
port.on("message", ({ data }) => {
  if (data?.t !== "call") return;
  const { id, method, input } = data;
  if (method === "die") {
    process.stderr.write("std::bad_alloc\n", () => process.exit(7));
  } else if (method === "hang") {
    for (;;);
  } else port.postMessage({ t: "ok", id, value: { method, input, pid: process.pid } });
});
