/** Names as people read them (PROTOCOL §6.4, §15.6). They are what somebody typed: anybody may call themselves anything. */

/** Letters that show nothing: formats, joiners, fillers, soft hyphens. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu;
/** Blanks, the one of Braille among them. */
const BLANK = /[\s\u2800]+/g;
/** Ends of lines, and what turns the letters around that come after the name. */
const BREAKS = /[\p{Cc}\u2028\u2029]+/gu;
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;

/** The same for all names that people would read as one. Without any blank: some letters that show nothing are drawn as one. */
export const readAs = (name: string): string => name.normalize('NFKC').replace(UNSEEN, '').normalize('NFKC').replace(BLANK, '').toLocaleLowerCase('en');

/** A name as one line that changes nothing around it. */
export const asLine = (name: string): string => name.replace(BREAKS, ' ').replace(TURNS, '').trim();
