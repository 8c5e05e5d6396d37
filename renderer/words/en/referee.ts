import type { RefereeDictionary } from "../say.ts";

/** The referee speaks English already; its own sentence is shown. */
export const referee: RefereeDictionary = {
  reading: null,
  starting: null,
  learning: null,
  slowing: null,
  memorising: null,
  stuck: null,
  paused: null,
  testing: null,
  converged: null,
  budgetSpent: null,
  stoppedByUser: null,
  interrupted: null,
  failed: null,
};
