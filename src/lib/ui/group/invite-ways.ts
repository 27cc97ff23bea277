/** The ways an invite link leaves: through the inviter's own message, mail or share sheet, in words that name neither patient nor group. */

/** Address that opens the messages app with the words filled in; the odd `?&` is understood by iOS and Android alike. */
export function smsAddress(words: string): string {
  return `sms:?&body=${encodeURIComponent(words)}`;
}

/** Address that opens the mail app with subject and words filled in. */
export function mailAddress(subject: string, words: string): string {
  return `mailto:?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(words)}`;
}
