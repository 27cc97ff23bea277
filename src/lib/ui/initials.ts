/** Words before a name that say what somebody is, not who. */
const TITLES = /^(dr|prof|mr|mrs|ms|mx|sr|sra|dra|don|doña)\.?$/i;

/** What a name is made of: a word without any is a picture. */
const WRITTEN = /[\p{L}\p{N}]/u;

/** One or two capital letters for a name: first and last word, titles and pictures left out; “?” for an empty name. */
export function initials(name: string): string {
  const all = name.trim().split(/\s+/).filter(Boolean);
  const words = all.filter((word) => WRITTEN.test(word));
  const own = words.filter((word) => !TITLES.test(word));
  const use = [own, words, all].find((some) => some.length > 0) ?? [];
  const first = use[0];
  if (first === undefined) return '?';
  const last = use.length > 1 ? use[use.length - 1] : undefined;
  return (letter(first) + (last === undefined ? '' : letter(last))).toLocaleUpperCase();
}

/** The first character as a reader sees it: an accent or an emoji is not torn apart. */
function letter(word: string): string {
  const [first] = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(word);
  return first?.segment ?? '';
}
