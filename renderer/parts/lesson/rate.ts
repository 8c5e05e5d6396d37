// The learning rate's slider is logarithmic: every third of it is a factor of ten.

export const lowestRate = 0.001;
export const highestRate = 1;

/** 0…1 along the slider for a rate; beyond its ends it stays there. */
export function ratePlace(rate: number): number {
  const place = Math.log(rate / lowestRate) / Math.log(highestRate / lowestRate);
  return Math.min(1, Math.max(0, place));
}

/** The rate at a place of the slider, to two digits, so that it can be said. */
export function rateAt(place: number): number {
  const inside = Math.min(1, Math.max(0, place));
  return Number((lowestRate * (highestRate / lowestRate) ** inside).toPrecision(2));
}
