/** What a member says once she is out; nobody may ever see it. */
export const AFTER = 'Mallory is out and speaks';
