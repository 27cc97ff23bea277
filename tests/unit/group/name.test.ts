import { describe, expect, it } from 'vitest';
import { asLine, readAs } from '$lib/group/name';

describe('names that people read as one', () => {
  it.each([
    ['another case', 'DR LEE'],
    ['another blank', 'Dr\u00a0 Lee '],
    ['a blank of Braille', 'Dr\u2800Lee'],
    ['a space of no width', 'Dr\u200b Lee'],
    ['a joiner of words', 'Dr\u2060 Lee'],
    ['a soft hyphen', 'Dr L\u00adee'],
    ['a joiner of letters', 'Dr L\u200dee'],
    ['a joiner of marks', 'Dr L\u034fee'],
    ['a filler', 'Dr Lee\u3164'],
    ['a filler for a blank', 'Dr\u3164Lee'],
    ['no blank', 'DrLee'],
    ['a letter of a tag', 'Dr Lee\u{e0041}'],
    ['wide letters', 'Ｄｒ Ｌｅｅ'],
    ['what turns it around and back', '\u202aDr Lee\u202c'],
    ['the end of a line', 'Dr\nLee']
  ])('are one with %s', (_, name) => expect(readAs(name)).toBe(readAs('Dr Lee')));

  it('are one composed and decomposed, and not without their marks', () => {
    expect(readAs('Zoe\u0308')).toBe(readAs('Zoë'));
    expect(readAs('Zoe')).not.toBe(readAs('Zoë'));
    expect(readAs('Dr Lee')).not.toBe(readAs('Dr Leo'));
  });
});

describe('a name as one line', () => {
  it('has no end of a line, and turns nothing around', () => expect(asLine(' Dr\r\nLee \u202emoc\u202c \u2066x\u2069\u2028y ')).toBe('Dr Lee moc x y'));
  it.each(['Zoë', 'Anne‑Marie O’Neill', 'نگار\u200cنیا', '👩\u200d⚕️ Ada', 'शर्मा'])('%s is as it was said', (name) => expect(asLine(name)).toBe(name));
});
