/** What each page of the measurement offers to the one that drives it, on `window.side`. */
export interface Opened {
  /** Milliseconds. */
  readonly ms: number;
  readonly posts: number;
  /** Letters of all texts, so that nothing is left unread. */
  readonly letters: number;
}
export interface Peer {
  /** Writes all posts and leaves one snapshot. */
  fill(): Promise<void>;
  open(): Promise<Opened>;
}
export interface Ours {
  /** Makes the device's vault and asks to join; answers when the request is on its way. */
  join(fragment: string, now: number): Promise<void>;
  /** Waits until every post is here, then locks. */
  settle(posts: number): Promise<void>;
  /** Opens everything there is: `start` is what passes before a passphrase is asked for, `ms` what passes after it is right. */
  open(): Promise<Opened & { readonly start: number }>;
  /** From the open vault to the newest posts. */
  newest(): Promise<Opened>;
}
