/** Every size that both sides refuse above (PROTOCOL §4). Bytes unless said. */
export const LIMIT = {
  /** A frame over the socket; from the relay a `standing` of very many logs may be larger. */
  frame: 256 * 1024,
  /** A frame before the session proved a key. */
  frameBeforeAuth: 4 * 1024,
  envelope: 96 * 1024,
  plaintext: 64 * 1024,
  blobsPerEnvelope: 24,
  entry: 64 * 1024,
  display: 8 * 1024,
  lockbox: 128 * 1024,
  /** A request for keys, and one answer to it. */
  want: 2 * 1024,
  keys: 64 * 1024,
  card: 4 * 1024,
  request: 32 * 1024,
  answer: 4 * 1024,
  /** One item of a personal vault, and how many it may hold. */
  item: 8 * 1024,
  items: 4096,
  /** Items of a meeting of two devices, as large as a vault's. */
  meetItems: 48,
  /** Requests waiting under one invite. */
  requestsPerInvite: 3,
  /** Live rows of a group. */
  devices: 250,
  /** Live ordinary rows of a member. */
  devicesPerMember: 8,
  /** Entries of a roster that make or add anything, so rows that a group ever had, those that ended too. */
  roster: 50_000,
  /** Pending invites of a group. */
  invites: 100,
  /** Address that a push service gave a device. */
  place: 1024,
  blob: 64 * 1024 * 1024,
  /** A part of a history that is brought along, how many there may be, and entries, keys or envelopes in one. */
  carriedPart: 1024 * 1024,
  carriedParts: 256,
  carriedItems: 16_384,
  /** Envelopes, entries or lockboxes in one page. */
  page: 500,
  /** Pages and pushes are cut at this size. */
  pageBytes: 192 * 1024
} as const;
