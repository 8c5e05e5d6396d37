#!/usr/bin/env node
// A browser for tests: it visits the address of --app=, connects as the page does, and closes when told to (or after a moment).
import { writeFileSync } from "node:fs";
import { WebSocket } from "ws";

const flag = (name) => process.argv.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3);
const address = flag("app");
const profile = flag("user-data-dir");
if (process.env.FAKE_BROWSER === "broken") process.exit(1);

const answer = await fetch(address, { redirect: "follow" });
const url = new URL(answer.url);
const socket = new WebSocket(`ws://${url.host}/rpc?token=${url.searchParams.get("token")}`);
socket.on("open", () => {
  writeFileSync(
    process.env.FAKE_BROWSER_LOG,
    JSON.stringify({ address, profile, status: answer.status, arrived: url.href, argv: process.argv.slice(2), pid: process.pid }),
  );
  if (process.env.FAKE_BROWSER === "closes") process.exit(0);
});
socket.on("close", () => process.exit(0));
