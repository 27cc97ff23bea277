/** What a measurement tells of its figures. */
const sorted = (all: readonly number[]): number[] => [...all].sort((a, b) => a - b);
/** The upper one of the two in the middle. */
export const median = (all: readonly number[]): number => sorted(all)[Math.floor(all.length / 2)] as number;
export const round = (v: number, digits = 0): number => Number(v.toFixed(digits));
/** Median and all of them, in milliseconds. */
export const spread = (all: readonly number[]): string => `median ${round(median(all), 1)} ms, ${sorted(all).map((v) => round(v, 1)).join(' ')}`;
