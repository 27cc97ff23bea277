/** Which views are watched, and sending them again when they changed: once a turn of the loop, a feed only as far as it differs. */
import type { Core } from './core';
import { draftView, feedItem, feedItems, groupView } from './group-view';
import type { FeedItem, Up, ViewName } from './port';
import { openFeed } from './project';
import { shownId } from './renew';

/** Own posts' seen-marks came: all of them may show another state. */
const ALL_OWN = '*';

interface SentFeed {
  readonly items: Map<string, string>;
  more: boolean;
}

export class ViewBoard {
  private readonly watched = new Set<string>();
  private readonly touched = new Set<string>();
  /** Changed items by group; null when anything may have changed. */
  private readonly feeds = new Map<string, Set<string> | null>();
  private readonly sent = new Map<string, SentFeed>();
  private waiting = false;

  constructor(private readonly core: Core, private readonly up: (u: Up) => void) {}

  watch(name: ViewName, key: string | null): void {
    this.watched.add(nameOf(name, key));
    if (name === 'feed' && key !== null) this.openFeed(key);
    else this.send(name, key);
  }
  unwatch(name: ViewName, key: string | null): void {
    this.watched.delete(nameOf(name, key));
    if (name === 'feed' && key !== null) this.sent.delete(key);
  }
  touch(name: ViewName, key: string | null): void {
    if (!this.watched.has(nameOf(name, key))) return;
    this.touched.add(nameOf(name, key));
    this.soon();
  }
  touchFeed(ref: string, ids: readonly string[] | null): void {
    if (!this.sent.has(ref)) return;
    const before = this.feeds.get(ref);
    if (ids === null || before === null) this.feeds.set(ref, null);
    else this.feeds.set(ref, new Set([...(before ?? []), ...ids]));
    this.soon();
  }

  private soon(): void {
    if (this.waiting) return;
    this.waiting = true;
    this.core.ports.later(0, () => {
      this.waiting = false;
      const names = [...this.touched];
      this.touched.clear();
      for (const n of names) {
        const [name, key] = n.split(' ');
        this.send(name as ViewName, key === '' || key === undefined ? null : key);
      }
      const feeds = [...this.feeds];
      this.feeds.clear();
      for (const [ref, ids] of feeds) this.patchFeed(ref, ids);
    });
  }

  private send(name: ViewName, key: string | null): void {
    const { core } = this;
    if (name === 'app') return this.up({ is: 'view', name, key: null, view: core.appView() });
    if (name === 'link') return this.up({ is: 'view', name, key: null, view: core.linking.view });
    if (core.phase !== 'open') return;
    if (name === 'devices') return this.up({ is: 'view', name, key: null, view: core.devicesView() });
    if (name === 'organisations') return this.up({ is: 'view', name, key: null, view: { mine: core.credentials.mine, trusted: core.organisations.views } });
    if (name === 'home') return this.up({ is: 'view', name, key: null, view: core.homeView() });
    if (key === null) return;
    const run = core.groups.get(key);
    if (name === 'group' && run !== undefined) this.up({ is: 'view', name, key, view: groupView(run) });
    if (name === 'draft' && run !== undefined) this.up({ is: 'view', name, key, view: draftView(run) });
    const join = core.joins.get(key);
    if (name === 'join' && join !== undefined) this.up({ is: 'view', name, key, view: join.view() });
  }

  private openFeed(ref: string): void {
    const run = this.core.groups.get(ref);
    if (run === undefined) return;
    void run.local
      .take(async () => {
        await openFeed(run);
        const items = feedItems(run);
        this.sent.set(ref, { items: new Map(items.map((i) => [i.id, JSON.stringify(i)])), more: run.feed.more });
        const unread = items.find((i) => i.is === 'post' && i.unread && !i.changed);
        this.up({ is: 'view', name: 'feed', key: ref, view: { reset: true, items, more: run.feed.more, unreadFrom: unread?.id ?? null } });
      })
      .catch((e: unknown) => this.core.failed(e));
  }

  private patchFeed(ref: string, ids: ReadonlySet<string> | null): void {
    const run = this.core.groups.get(ref);
    const sent = this.sent.get(ref);
    if (run === undefined || sent === undefined) return;
    const whole = ids === null || ids.has(ALL_OWN);
    const some = [...(ids ?? [])].map((id) => shownId(run, id));
    const items = whole ? feedItems(run) : some.map((id) => feedItem(run, id)).filter((i): i is FeedItem => i !== null);
    const put = items.filter((i) => sent.items.get(i.id) !== JSON.stringify(i));
    const here = new Set(items.map((i) => i.id));
    const gone = whole ? [...sent.items.keys()].filter((id) => !here.has(id)) : some.filter((id) => sent.items.has(id) && !here.has(id));
    for (const i of put) sent.items.set(i.id, JSON.stringify(i));
    for (const id of gone) sent.items.delete(id);
    if (put.length === 0 && gone.length === 0 && sent.more === run.feed.more) return;
    sent.more = run.feed.more;
    this.up({ is: 'view', name: 'feed', key: ref, view: { reset: false, put, gone, more: run.feed.more } });
  }
}

const nameOf = (name: ViewName, key: string | null): string => `${name} ${key ?? ''}`;
