/** The part of the log that holds where devices are pushed to (PROTOCOL §11.7): one text for every engine. */
import type { Bell, CallName, Calls } from './log';
import { all, did, one, type Steps } from './steps';

export const BELLS = {
  *putBell({ g, device, place }) {
    const there = yield* one('SELECT place, rung FROM bells WHERE g = ? AND device = ?', g, device);
    const isSame = there?.['place'] === place;
    // it is here: what comes when it has gone again may ring at once, whichever group it is of
    if (!isSame || Number(there['rung']) > 0) yield* did('UPDATE bells SET rung = 0 WHERE place = ? AND rung > 0', place);
    if (!isSame) yield* did('INSERT INTO bells VALUES (?, ?, ?, 0, 0) ON CONFLICT (g, device) DO UPDATE SET place = excluded.place, rung = 0', g, device, place);
    return isSame ? 'again' : 'new';
  },
  dropBell: ({ g, device }) => did('DELETE FROM bells WHERE g = ? AND device = ?', g, device),
  *bells({ g }) {
    const found = yield* all('SELECT device, place, rung FROM bells WHERE g = ? ORDER BY device', g);
    return found.map((f): Bell => ({ device: Number(f['device']), place: f['place'] as string, rung: Number(f['rung']) }));
  },
  *heard({ g, devices, time }) {
    for (const device of devices) yield* did('UPDATE bells SET heard = ? WHERE g = ? AND device = ?', time, g, device);
    return null;
  },
  *ring({ g, device, time, before, news }) {
    const found = yield* all('UPDATE bells SET rung = ? WHERE g = ? AND device = ? AND rung <= ? AND heard < ? RETURNING place', time, g, device, before, news);
    const place = found[0]?.['place'] as string | undefined;
    if (place === undefined) return null;
    yield* did('UPDATE bells SET rung = ? WHERE place = ? AND rung < ?', time, place, time);
    return place;
  },
  dropPlace: ({ place }) => did('DELETE FROM bells WHERE place = ?', place)
} satisfies { readonly [K in CallName]?: (input: Calls[K][0]) => Steps<Calls[K][1]> };
