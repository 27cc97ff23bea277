import { expect, it } from 'vitest';
import * as core from '$lib/care/record';
import { DRAFT_MOST, POST_MOST } from '$lib/ui/group/length';

it('words are told to be too long exactly when the core would refuse them', () => {
  expect([POST_MOST, DRAFT_MOST]).toEqual([core.TEXT_MOST, core.DRAFT_MOST]);
});
