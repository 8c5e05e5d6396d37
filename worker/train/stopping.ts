// When training ends by itself: after so many evaluations in a row without a better validation loss. Plain data, kept in checkpoints.

export interface BestPoint {
  step: number;
  epoch: number;
  seconds: number;
  validationLoss: number;
  metric: number;
}

export interface StoppingState {
  best: BestPoint | null;
  /** Evaluations since the best. */
  since: number;
  evaluations: number;
}

export const freshStopping = (): StoppingState => ({ best: null, since: 0, evaluations: 0 });

/** A point is better when its loss is lower; a loss that is not finite never is. */
export function look(state: StoppingState, point: BestPoint): { state: StoppingState; better: boolean } {
  const better = Number.isFinite(point.validationLoss) && point.validationLoss < (state.best?.validationLoss ?? Infinity);
  return {
    better,
    state: { best: better ? point : state.best, since: better ? 0 : state.since + 1, evaluations: state.evaluations + 1 },
  };
}

/** @param patience evaluations to wait for a better point */
export const isConverged = (state: StoppingState, patience: number): boolean => state.best !== null && state.since >= patience;
