/** What kind of life a seed draws: how it goes, and in what group. */
import { drawing } from '../support/fuzz';
import type { Shape } from './base';

export type Mode = 'honest' | 'mischief' | 'fork' | 'member';
export const modeOf = (seed: number): Mode => (seed % 10 < 6 ? 'honest' : seed % 10 < 8 ? 'mischief' : seed % 10 === 8 ? 'fork' : 'member');

const SHAPES: readonly Shape[] = [
  [2, 0], [2, 0, 1], [3, 0], [3, 0, 1], [4, 0, 1], [5, 0], [6, 0], [1, 1], [2, 1], [2, 2], [3, 1, 1], [3, 2], [4, 2], [6, 6]
].map(([people, laptops, paper]) => ({ people, laptops, paper: paper === 1, twice: false }) as Shape);

export function shapeOf(seed: number): Shape {
  const mode = modeOf(seed);
  const draw = drawing(seed + 1);
  // half of the relay's lies are told to people who have two groups
  if (seed % 10 === 6) return { people: 3, laptops: 0, paper: false, twice: true };
  // twelve devices take their time: one schedule in fifty has them
  return mode === 'fork' || mode === 'member' ? { people: 4, laptops: 0, paper: false, twice: false } : (SHAPES[draw(50) === 0 ? SHAPES.length - 1 : draw(SHAPES.length - 1)] as Shape);
}
/** Three or four people without laptops: few groups have to be made first. */
export function isSmall(seed: number): boolean {
  const { people, laptops } = shapeOf(seed);
  return laptops === 0 && (people === 3 || people === 4);
}
