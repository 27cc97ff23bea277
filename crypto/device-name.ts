/** What a device calls itself in its own log (PROTOCOL §15.5): sealed under a seed that one person's devices share, bound to its log. */
import { box, unbox } from './box';
import type { Bytes, GroupId, LogPk } from './brand';
import { concat } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import type { Result } from './result';
import type { Random } from './sodium';

const keyOf = (seed: Bytes): Bytes => hash(LABEL.deviceKey, seed);
const about = (label: Bytes, group: GroupId, logPk: LogPk): Bytes => concat(label, group, logPk);

export const sealDeviceName = (seed: Bytes, group: GroupId, logPk: LogPk, plain: Bytes, random: Random): Bytes => box(keyOf(seed), about(LABEL.deviceName, group, logPk), plain, random);
export const openDeviceName = (seed: Bytes, group: GroupId, logPk: LogPk, sealed: Bytes): Result<Bytes, 'unreadable'> => unbox(keyOf(seed), about(LABEL.deviceName, group, logPk), sealed);

/** What devices of one person say to each other in their logs about groups that came later (PROTOCOL §15.7). */
export const sealDeviceShare = (seed: Bytes, group: GroupId, logPk: LogPk, plain: Bytes, random: Random): Bytes => box(keyOf(seed), about(LABEL.deviceShare, group, logPk), plain, random);
export const openDeviceShare = (seed: Bytes, group: GroupId, logPk: LogPk, sealed: Bytes): Result<Bytes, 'unreadable'> => unbox(keyOf(seed), about(LABEL.deviceShare, group, logPk), sealed);
