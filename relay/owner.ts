/** A data folder belongs to whom the relay runs as. What root makes in it for a relay that does not run as root is given to them. */
import { existsSync, lchownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const isRoot = (): boolean => process.getuid?.() === 0;

/** Gives what lies under these paths to the folder's owner; does nothing unless root asks. */
export function ownedAs(folder: string): (...paths: string[]) => void {
  if (!isRoot()) return () => undefined;
  const { uid, gid } = statSync(folder);
  return (...paths) => {
    for (const path of paths) if ((lstatSync(path, { throwIfNoEntry: false })?.uid ?? uid) !== uid) lchownSync(path, uid, gid);
  };
}
/** The same of the relay's own files in the folder, if it is there. */
export function leaveToOwner(folder: string): void {
  if (isRoot() && existsSync(folder)) ownedAs(folder)(...readdirSync(folder).filter((name) => /^(relay|postgres)\./.test(name)).map((name) => join(folder, name)));
}
