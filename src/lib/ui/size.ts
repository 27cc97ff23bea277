/** Sizes as people read them: “48 MB”. */
import { getLocale } from '$lib/paraglide/runtime';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Bytes, in the unit that leaves at most three digits before the point. */
export function sizeWords(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  const unit = UNITS[step] ?? 'byte';
  return new Intl.NumberFormat(getLocale(), { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: step > 1 && value < 10 ? 1 : 0 }).format(value);
}
