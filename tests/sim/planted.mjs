/** Bugs that must not survive. */
export const PLANTED = [];
