/** Whether two people wrote the same name, however their keyboards write quotes and dashes, and in whatever case. */
export const isSameName = (one: string, other: string): boolean => plain(one) === plain(other);

const plain = (s: string): string =>
  s
    .normalize('NFKC')
    .replace(/[‘’ʼ`´]/g, "'")
    .replace(/[“”„«»]/g, '"')
    .replace(/[‐-―]/g, '-')
    .replace(/\s+/g, ' ')
    .trim()
    .toLocaleLowerCase('en');
