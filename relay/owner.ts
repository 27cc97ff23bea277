/** A data folder belongs to whom the relay runs as. What root makes in it for a relay that does not run as root is given to them. */
import { lchownSync, lstatSync, statSync } from 'node:fs';

/** Gives what lies under these paths to the folder's owner; does nothing unless root asks. */
export function ownedAs(folder: string): (...paths: string[]) => void {
  if (process.getuid?.() !== 0) return () => undefined;
  const { uid, gid } = statSync(folder);
  return (...paths) => {
    for (const path of paths) if ((lstatSync(path, { throwIfNoEntry: false })?.uid ?? uid) !== uid) lchownSync(path, uid, gid);
  };
}
