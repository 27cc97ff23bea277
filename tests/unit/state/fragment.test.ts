import { describe, expect, it } from 'vitest';
import { fragmentIn } from '$lib/state/fragment';

const SECRET = 'Q2FyZWZvbGQtaW52aXRlLXNlY3JldA-_x9';

describe('a pasted invite', () => {
  it('is found in a bare link', () => expect(fragmentIn(`https://care.example/join#${SECRET}`)).toBe(SECRET));
  it('is found inside the message it came in', () => expect(fragmentIn(`Hello Fay,\nopen this: https://care.example:8443/join#${SECRET}\nSee you`)).toBe(SECRET));
  it('is found when only the secret part was copied', () => {
    expect(fragmentIn(`#${SECRET}`)).toBe(SECRET);
    expect(fragmentIn(` ${SECRET} `)).toBe(SECRET);
  });
  it('is not found in a link that lost its end, or in other words', () => {
    for (const words of ['', 'https://care.example/join', 'https://care.example/join#', 'please call me tomorrow at eight']) expect(fragmentIn(words)).toBeNull();
  });
});
