/** Each fault in words: what happened, what is safe, what to do. No fault is shown to a person in any other way. */
import type { Fault } from '$lib/core/port';
import * as m from '$lib/paraglide/messages';

const WORDS: { readonly [F in Fault]: () => string } = {
  'wrong-passphrase': m.fault_wrong_passphrase,
  'unknown-passkey': m.fault_unknown_passkey,
  'wrong-phrase': m.fault_wrong_phrase,
  'phrase-begun': m.fault_phrase_begun,
  'too-soon': m.fault_too_soon,
  'weak-passphrase': m.fault_weak_passphrase,
  locked: m.fault_locked,
  'not-writer': m.fault_not_writer,
  outdated: m.fault_outdated,
  'needs-network': m.fault_needs_network,
  'not-allowed': m.fault_not_allowed,
  empty: m.fault_empty,
  'changed-meanwhile': m.fault_changed_meanwhile,
  'group-ended': m.fault_group_ended,
  'not-found': m.fault_not_found,
  'too-large': m.fault_too_large,
  'not-an-image': m.fault_not_an_image,
  'storage-full': m.fault_storage_full,
  'storage-lost': m.fault_storage_lost,
  'storage-damaged': m.fault_storage_damaged,
  'too-late': m.fault_too_late,
  unsent: m.fault_unsent,
  'too-many': m.fault_too_many,
  'bad-link': m.fault_bad_link,
  'invite-used': m.fault_invite_used,
  'invite-expired': m.fault_invite_expired,
  'invite-revoked': m.fault_invite_revoked,
  'bad-credential': m.fault_bad_credential,
  'not-yours': m.fault_not_yours,
  ended: m.fault_ended,
  'bad-organisation': m.fault_bad_organisation,
  'refused-by-relay': m.fault_refused_by_relay,
  restoring: m.fault_restoring,
  unavailable: m.fault_unavailable,
  'no-doorbell': m.fault_no_doorbell,
  'bad-push': m.fault_bad_push,
  'needs-permit': m.fault_needs_permit,
  'bad-permit': m.permit_wrong,
  'permit-unknown': m.permit_unknown,
  'permit-spent': m.permit_spent,
  'permit-ended': m.permit_ended,
  'bad-history': m.fault_bad_history,
  carrying: m.fault_carrying,
  internal: m.fault_internal
};

/** The words for a fault, in the language of the page. */
export const faultWords = (fault: Fault): string => WORDS[fault]();
