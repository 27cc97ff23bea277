/** The relay's feed, page by page. */
import type { FromRelay } from '$crypto/frames';
import { LIMIT } from '$crypto/limits';
import type { GroupRun } from './group-run';

export type FeedPage = Extract<FromRelay, { is: 'page' }>;

/**
 * Pages beyond feed seq `from`, upwards, up to `upTo` where that is given, and `pages` of them at most. While one is being taken in the next is on its way, and never
 * more: a slow line has one page to bring at a time. Ends behind the last page, where one leads no further, and with null where none comes.
 */
export async function* pagesUp(run: GroupRun, from: number, upTo = Infinity, pages = Infinity): AsyncGenerator<FeedPage | null> {
  const ask = (after: number): Promise<FromRelay | null> => run.around.link.ask({ is: 'fetch', group: run.row.id, way: 'up', from: after, most: Math.min(LIMIT.page, upTo - after) });
  for (let next: Promise<FromRelay | null> | null = from < upTo ? ask(from) : null; next !== null; ) {
    const f: FromRelay | null = await next;
    if (f?.is !== 'page') return void (yield null);
    const last = f.items.at(-1)?.seq ?? 0;
    next = f.more && last > from && last < upTo && --pages > 0 ? ask(last) : null;
    from = last;
    yield f;
  }
}
