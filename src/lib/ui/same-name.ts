/** Whether somebody typed a name, however their keyboard writes quotes and dashes, and in whatever case. */
export const isSameName = (typed: string, name: string): boolean => plain(typed) === plain(name);

const plain = (s: string): string =>
  s
    .normalize('NFKC')
    .replace(/[‘’ʼ`´]/g, "'")
    .replace(/[“”„«»]/g, '"')
    .replace(/[‐-―]/g, '-')
    .replace(/\s+/g, ' ')
    .trim()
    .toLocaleLowerCase('en');
