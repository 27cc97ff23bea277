/** Every domain label in one place (PROTOCOL §3). A label ends in its version and is followed by a zero byte. */
import type { Bytes } from './brand';
import { fromText } from './bytes';

const label = (s: string): Bytes => fromText(`carefold/${s}\0`);

export const LABEL = {
  entryHash: label('entry-hash/1'),
  chain: label('chain/1'),
  entry: label('entry/1'),
  claim: label('claim/1'),
  redeem: label('redeem/1'),
  deviceClaim: label('device-claim/1'),
  receipt: label('receipt/1'),
  envelope: label('envelope/1'),
  envelopeBody: label('envelope-body/1'),
  envelopeHash: label('envelope-hash/1'),
  contentCommit: label('commit-content/1'),
  rosterCommit: label('commit-roster/1'),
  display: label('display/1'),
  lockboxKey: label('lockbox-key/1'),
  lockboxHash: label('lockbox-hash/1'),
  access: label('access/1'),
  inviteSign: label('invite-sign/1'),
  inviteCard: label('invite-card/1'),
  card: label('card/1'),
  request: label('request/1'),
  requestKey: label('request-key/1'),
  answer: label('answer/1'),
  number: label('number/1'),
  blob: label('blob/1'),
  blobPlain: label('blob-plain/1'),
  mark: label('mark/1'),
  vaultHeader: label('vault-header/1'),
  vaultWrap: label('vault-wrap/1'),
  passkeyWrap: label('passkey-wrap/1'),
  phraseCheck: label('phrase-check/1'),
  phraseSign: label('phrase-sign/1'),
  phraseKem: label('phrase-kem/1'),
  vaultItem: label('vault-item/1'),
  rowKey: label('row-key/1'),
  row: label('row/1'),
  localName: label('local-name/1'),
  cacheKey: label('cache-key/1'),
  cacheRow: label('cache-row/1')
} as const;
