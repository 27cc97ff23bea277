/** The safety number on a screen and in a picture (PROTOCOL §15.6). */

const PREFIX = 'carefold:safety-number:1:';

/** What the QR code holds. */
export const safetyQr = (number: string): string => PREFIX + number;

/** The 60 digits in a scanned text; null when it is another code. */
export function scannedNumber(text: string): string | null {
  const digits = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '';
  return /^\d{60}$/.test(digits) ? digits : null;
}
