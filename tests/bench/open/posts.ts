/** The posts of one long-lived group, the same for every side of a measurement. */
export const POSTS = 10_000;
const LETTERS = 300;

const WORDS = (
  'slept well through the night and walked to window twice before lunch with a little help from nurse pain is less than yesterday took both tablets ' +
  'at eight temperature thirty seven two no fever since Monday physio comes again on Thursday please bring glasses blue folder soup was good small steps ' +
  'wound looks clean dressing changed doctor says next week maybe home first we ask about appetite better talked long time on phone tired but cheerful'
).split(' ');

/** 10,000 texts of about 300 letters, the same each time. */
export function textsOf(): string[] {
  let last = 1;
  const next = (): string => WORDS[(last = (last * 48_271) % 0x7fffffff) % WORDS.length] as string;
  return Array.from({ length: POSTS }, (_, i) => {
    let text = `${i + 1}`;
    while (text.length < LETTERS - 6) text += ` ${next()}`;
    return text;
  });
}
