import { describe, expect, it } from 'vitest';
import { placeWords } from '$lib/ui/place';

describe('the place in a title', () => {
  it.each([['/', 'Groups'], ['/you', 'You'], ['/join', 'Invite'], ['/group/x1', 'Updates'], ['/group/x1/people', 'People'], ['/else', null]])('%s is %s', (path, words) => {
    expect(placeWords(path)).toBe(words);
  });
});
