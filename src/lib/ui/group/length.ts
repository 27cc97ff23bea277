/** How long words may be, in letters: to be posted, and to be kept while they are written. What the core says, which a page cannot import. */
export const POST_MOST = 20_000;
export const DRAFT_MOST = 200_000;
