/** Whether two people wrote the same name, however their keyboards write quotes and dashes, in whatever case, and whatever stands in it that shows nothing. */
export const isSameName = (one: string, other: string): boolean => plain(one) === plain(other);

const plain = (s: string): string =>
  s
    .normalize('NFKC')
    .replace(/[‘’ʼ`´]/g, "'")
    .replace(/[“”„«»]/g, '"')
    .replace(/[‐-―]/g, '-')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLocaleLowerCase('en');
