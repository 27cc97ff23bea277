/** Branded types: two ids of one shape can't be mixed up. Bytes travel as Uint8Array, map keys as lower-case hex. */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

export type Bytes = Uint8Array<ArrayBuffer>;

/** 32 bytes, hash of the genesis bytes. */
export type GroupId = Brand<Bytes, 'GroupId'>;
/** 32 bytes, Ed25519 public key of a log. */
export type LogPk = Brand<Bytes, 'LogPk'>;
/** 64 bytes, Ed25519 secret key of a log. */
export type LogSk = Brand<Bytes, 'LogSk'>;
/** 1216 bytes, X-Wing public key. */
export type KemPk = Brand<Bytes, 'KemPk'>;
/** 32 bytes, X-Wing secret key (a seed). */
export type KemSk = Brand<Bytes, 'KemSk'>;
/** 16 random bytes that stand for a person inside one group. */
export type MemberTag = Brand<Bytes, 'MemberTag'>;
/** 32 bytes, Ed25519 public key registered by an invite entry. */
export type InvitePk = Brand<Bytes, 'InvitePk'>;
/** 32 bytes, Ed25519 public key that names a personal vault. */
export type VaultId = Brand<Bytes, 'VaultId'>;
/** 32 bytes, Ed25519 public key that names a meeting of two devices. */
export type MeetId = Brand<Bytes, 'MeetId'>;
/** 32 bytes, Ed25519 public key by which a person is recognised. */
export type PersonPk = Brand<Bytes, 'PersonPk'>;
/** 32 bytes, Ed25519 public key with which an organisation vouches for persons. */
export type OrganisationPk = Brand<Bytes, 'OrganisationPk'>;
/** 32 bytes, Ed25519 public key that signs receipts. */
export type RelayPk = Brand<Bytes, 'RelayPk'>;
/** 32 bytes, BLAKE2b-256. */
export type Hash = Brand<Bytes, 'Hash'>;
/** 32 bytes, key of an epoch's envelopes. */
export type ContentKey = Brand<Bytes, 'ContentKey'>;
/** 32 bytes, key of an epoch's display data. */
export type RosterKey = Brand<Bytes, 'RosterKey'>;
/** 14 random bytes that an operator gave somebody who may begin groups. */
export type Permit = Brand<Bytes, 'Permit'>;
/** 32 bytes, hash of a blob's ciphertext. */
export type BlobId = Brand<Bytes, 'BlobId'>;
/** 32 random bytes that everything at rest on one device hangs on. */
export type VaultKey = Brand<Bytes, 'VaultKey'>;
/** 32 bytes, key of the rows of the strict database; made from the vault key. */
export type RowKey = Brand<Bytes, 'RowKey'>;

/** Lower-case hex of one of the ids above, for use as a map key. */
export type Hex<T extends Bytes = Bytes> = Brand<string, 'Hex'> & { readonly of?: T };
