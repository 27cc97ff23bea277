/** Proof that a connection holds a log or invite key (PROTOCOL §11): one group, one host, one connection. */
import type { Bytes, GroupId } from './brand';
import { LABEL } from './labels';
import { sign, verify } from './verify';
import { Writer } from './wire';
import { SESSION_KINDS, type SessionKind, WIRE_VERSION } from './frames';

export interface AccessProof {
  readonly as: SessionKind;
  /** Host and port as the device dialled them, lower case. */
  readonly host: string;
  readonly group: GroupId;
  /** 32 bytes from the relay's `hello`. */
  readonly serverNonce: Bytes;
  /** 32 bytes from the device. */
  readonly nonce: Bytes;
}

const body = (p: AccessProof): Bytes =>
  new Writer().num(WIRE_VERSION).u8(SESSION_KINDS.indexOf(p.as)).text(p.host).fixed(p.group).fixed(p.serverNonce).fixed(p.nonce).done();

export const proveAccess = (p: AccessProof, secret: Bytes): Bytes => sign(LABEL.access, body(p), secret);

/** False for any proof made for another key kind, host, group, connection or nonce. */
export const verifyAccess = (p: AccessProof, signature: Bytes, key: Bytes): boolean => verify(LABEL.access, body(p), signature, key);
