/** Rows of our own, as bytes for the store. They come back only from under our own seal, so they are not checked again. */
import { decoding, encoding } from 'lib0';
import type { Bytes } from '$crypto/brand';

export const pack = (value: unknown): Bytes => {
  const e = encoding.createEncoder();
  encoding.writeAny(e, value as never);
  return encoding.toUint8Array(e).slice();
};

export const unpack = <T>(bytes: Bytes): T => decoding.readAny(decoding.createDecoder(bytes)) as T;

/** A number as a key that sorts like one. */
export const place = (n: number): string => n.toString().padStart(12, '0');
