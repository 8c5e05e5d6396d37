// The screens and their places in the rail. A new screen is one .svelte beside this file, its row here and its title in words.
import type { Component } from "svelte";
import type { ScreenId } from "../state/route.ts";
import type { IconName } from "../ui/icons.ts";
import Chat from "./Chat.svelte";
import Home from "./Home.svelte";
import Learn from "./Learn.svelte";
import Model from "./Model.svelte";
import Models from "./Models.svelte";
import Plan from "./Plan.svelte";
import Project from "./Project.svelte";
import Projects from "./Projects.svelte";

export interface Screen {
  id: ScreenId;
  icon: IconName;
  component: Component;
  /** Whether the rail leads here; a project or a model is reached through its list. */
  rail: boolean;
}

export const screens: readonly Screen[] = [
  { id: "home", icon: "home", component: Home, rail: true },
  { id: "projects", icon: "projects", component: Projects, rail: true },
  { id: "models", icon: "models", component: Models, rail: true },
  { id: "chat", icon: "chat", component: Chat, rail: true },
  { id: "learn", icon: "learn", component: Learn, rail: true },
  { id: "plan", icon: "models", component: Plan, rail: false },
  { id: "model", icon: "models", component: Model, rail: false },
  { id: "project", icon: "table", component: Project, rail: false },
];
