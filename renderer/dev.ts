// The dev page: every screen over a fake host, without a worker. Not part of the build.
// ?screen=home|projects|models|learn|settings|project &state=new|running|paused|done|weak|failed|lost &data=homes|penguins &language= &theme= &empty
import { mount } from "svelte";
import { AppError } from "../ipc/error.ts";
import { page } from "./api.ts";
import App from "./App.svelte";
import { FakeDoor } from "./fake/door.ts";
import { FakeHost, homes, penguins } from "./fake/host.ts";
import { Link } from "./link.ts";
import { App as AppState } from "./state/app.svelte.ts";
import "./ui/theme.css";

const wish = new URLSearchParams(location.search);
const host = new FakeHost();
const language = wish.get("language");
const theme = wish.get("theme");
host.settings = {
  ...host.settings,
  language: language === "zh" || language === "en" ? language : "auto",
  theme: theme === "dark" || theme === "light" ? theme : "auto",
};

const state = wish.get("state") ?? "done";
if (!wish.has("empty")) {
  const old = host.addProject(penguins);
  host.addRun(old.id, "done", 1600);
  const profile = wish.get("data") === "penguins" ? penguins : homes;
  const project = host.addProject(profile, wish.get("data") === "penguins" ? "Penguins of Palmer" : "Homes in the city");
  if (state !== "new") host.addRun(project.id, "done", 1600, true);
  if (state === "running" || state === "paused") host.addRun(project.id, state, Number(wish.get("step") ?? 1500));
  if (state === "done") host.addRun(project.id, "done", 1600);
  if (state === "failed") host.addRun(project.id, "interrupted", 900);
  if (wish.get("screen") === "project") location.hash = `#/project/${project.id}/-/${wish.get("section") ?? "data"}`;
  const stream = wish.get("stream");
  if (stream) setInterval(() => host.advance(project.id, `r${project.id === "p3" ? 5 : 4}`, Number(stream)), 20);
}
const screen = wish.get("screen") ?? "home";
if (["home", "projects", "models", "learn"].includes(screen)) location.hash = `#/${screen}`;

const door = new FakeDoor(host);
const app = new AppState(new Link(door.open), door, page);
if (screen === "settings") app.settingsOpen = true;
mount(App, { target: document.getElementById("app")!, props: { app } });
if (state === "lost")
  setTimeout(() => {
    host.deaf = true;
    host.drop();
  }, 300);
if (wish.has("refused")) {
  host.refuse = new AppError("fileNotText", "'photo.csv' is not text: byte 7 is 0.", "Save it as CSV from the program that made it.", {
    file: "photo.csv",
  });
  void app.intake.takeFiles([new File(["x"], "photo.csv")]);
}
