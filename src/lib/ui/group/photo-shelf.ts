/** Pictures that are on the screen, as addresses an <img> can show; what nobody looks at any more is let go, oldest first. */
import type { CoreClient, GroupRef, Outcome, PhotoId } from '$lib/core/port';

export type PhotoSize = 'thumb' | 'full';

export interface PhotoShelf {
  /** The address of a picture, fetched when it must be; faults as the core names them. Each `take` needs one `give`. */
  take(photo: PhotoId, size: PhotoSize): Promise<Outcome<string>>;
  give(photo: PhotoId, size: PhotoSize): void;
  /** Lets go of everything. */
  clear(): void;
}

interface Place {
  readonly address: Promise<Outcome<string>>;
  users: number;
}

/** Pictures kept although nobody shows them now; a full one takes megabytes. */
const SPARE = 40;

export function photoShelf(core: CoreClient, group: GroupRef): PhotoShelf {
  const places = new Map<string, Place>();
  const fetch = async (photo: PhotoId, size: PhotoSize): Promise<Outcome<string>> => {
    const got = await core.run('photo', { group, photo, size });
    return got.ok ? { ok: true, value: URL.createObjectURL(new Blob([got.value.bytes], { type: got.value.type })) } : got;
  };
  const drop = (key: string, place: Place): void => {
    places.delete(key);
    void place.address.then((got) => { if (got.ok) URL.revokeObjectURL(got.value); });
  };
  return {
    async take(photo, size) {
      const key = `${size} ${photo}`;
      const place = places.get(key) ?? { address: fetch(photo, size), users: 0 };
      place.users += 1;
      places.set(key, place);
      const got = await place.address;
      // A failure is not kept: the next one who asks tries again.
      if (!got.ok && places.get(key) === place) places.delete(key);
      return got;
    },
    give(photo, size) {
      const key = `${size} ${photo}`;
      const place = places.get(key);
      if (place === undefined) return;
      place.users -= 1;
      // Back to the end of the line, so that the longest unused goes first.
      places.delete(key);
      places.set(key, place);
      const spare = [...places].filter(([, { users }]) => users <= 0);
      for (const [old, unused] of spare.slice(0, Math.max(0, spare.length - SPARE))) drop(old, unused);
    },
    clear() {
      for (const [key, place] of [...places]) drop(key, place);
    }
  };
}
