/** What people choose first, with its worth in bits: a short list of passwords, names and words about us. */

const FIRST = `password passwort contraseña qwerty qwertz azerty letmein iloveyou welcome admin login master dragon monkey
football baseball superman batman sunshine princess starwars whatever trustno1 shadow ninja hello secret passphrase
test guest root changeme default access freedom pokemon computer internet carefold`;

const THEN = `hospital doctor nurse patient clinic clinician health family friend mother father mama papa mommy daddy mum dad
medicine cancer surgery oncology cardiology ward care group update treatment baby honey angel love lover loveyou summer winter spring
autumn monday friday january march april may june july august september october november december chocolate cookie
flower butterfly rainbow purple orange yellow silver golden tiger lion eagle horse charlie buddy max bella lucy daisy molly
michael jennifer jessica ashley daniel david james robert john joseph thomas matthew andrew joshua anthony william
maria mary anna susan linda barbara elizabeth margaret patricia nancy karen lisa sarah emily emma olivia sophia george
hannah nicole amanda melissa michelle samantha alexander benjamin peter paul mark laura jose juan carlos luis miguel
pedro carmen rosa teresa isabel lucia amor familia corazon estrella america london paris berlin madrid mexico arsenal
chelsea liverpool barcelona realmadrid jesus heaven blessed killer soccer hockey tennis guitar music dance happy lucky
money cheese banana apple google facebook samsung iphone android windows microsoft correct battery staple`;

const FIRST_BITS = 5;
const THEN_BITS = 8.5;

const list = (words: string, bits: number): [string, number][] => words.split(/\s+/).map((w) => [w, bits]);

export const COMMON: ReadonlyMap<string, number> = new Map([...list(THEN, THEN_BITS), ...list(FIRST, FIRST_BITS)]);
