/** Numbers and codes of linking, written so that two people, or two eyes, can compare them. */

/** “482 109” or “4821 0937 5510”: in threes when it divides so and is short, else in fours. */
export function inParts(digits: string): string {
  const size = digits.length % 3 === 0 && digits.length <= 9 ? 3 : 4;
  return digits.replace(new RegExp(`(.{${String(size)}})(?=.)`, 'g'), '$1 ');
}

/** A typed code without the spaces and line ends that people and clipboards add. */
export const bareCode = (typed: string): string => typed.replace(/\s+/g, '');

/** “4:09”: minutes and seconds. */
export const minutesLeft = (seconds: number): string => `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
