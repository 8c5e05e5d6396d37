import { factNumber, type RefereeDictionary } from "../say.ts";

/** The referee speaks English already; its own sentence is shown, but for "0 seconds ago". */
export const referee: RefereeDictionary = {
  reading: null,
  starting: null,
  setBack: null,
  shrunk: null,
  shrunkRoughly: null,
  learning: null,
  slowing: (facts) => (factNumber(facts, "ago") === 0 ? "The best point was just now; it is kept." : undefined),
  memorising: (facts) => (factNumber(facts, "ago") === 0 ? "It now memorises: the best point was just now, and I kept it." : undefined),
  stuck: null,
  paused: null,
  testing: null,
  converged: null,
  budgetSpent: null,
  stoppedByUser: null,
  interrupted: null,
  failed: null,
};
