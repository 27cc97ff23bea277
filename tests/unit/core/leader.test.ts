import { describe, expect, it } from 'vitest';
import { startLeader, type Leader, type Place } from '$lib/core/leader';
import { browser, settle, type Tab } from './windows';

interface Led {
  readonly tab: Tab;
  readonly leader: Leader;
  readonly heard: Place[];
}

async function lead(tab: Tab): Promise<Led> {
  const heard: Place[] = [];
  const leader = startLeader(tab.around, (place) => heard.push(place));
  await settle();
  return { tab, leader, heard };
}

describe('the tab that writes', () => {
  it('is the first one; a second is told that it is elsewhere', async () => {
    const b = browser();
    const first = await lead(b.open());
    const second = await lead(b.open());
    expect([first.leader.place, second.leader.place]).toEqual(['leading', 'elsewhere']);
    expect([first.heard, second.heard]).toEqual([['leading'], ['elsewhere']]);
  });

  it('is the second one after it took over, and the first is told', async () => {
    const b = browser();
    const first = await lead(b.open());
    const second = await lead(b.open());
    second.leader.takeOver();
    await settle();
    expect([first.leader.place, second.leader.place]).toEqual(['elsewhere', 'leading']);
    expect(first.heard).toEqual(['leading', 'elsewhere']);
    first.leader.takeOver();
    await settle();
    expect([first.leader.place, second.leader.place]).toEqual(['leading', 'elsewhere']);
  });

  it('is the one that waits when the leading one closes, crashes or ends', async () => {
    const b = browser();
    const first = await lead(b.open());
    const second = await lead(b.open());
    const third = await lead(b.open());
    first.tab.close();
    await settle();
    expect([second.leader.place, third.leader.place]).toEqual(['leading', 'elsewhere']);
    second.leader.end();
    await settle();
    expect(third.leader.place).toBe('leading');
  });

  it('is never two at rest, whatever three tabs do', async () => {
    const b = browser();
    const tabs = [await lead(b.open()), await lead(b.open()), await lead(b.open())];
    let seed = 7;
    for (let step = 0; step < 300; step++) {
      seed = (seed * 16807) % 2147483647;
      const t = tabs[seed % 3] as Led;
      const how = Math.floor(seed / 3) % 4;
      if (how < 2) t.leader.takeOver();
      else if (how === 2) t.tab.leave();
      if (seed % 5 > 1) await settle();
      if (how === 2) t.tab.comeBack();
      await settle();
      expect(tabs.filter((x) => x.leader.place === 'leading')).toHaveLength(1);
    }
  });

  it('lets go while it is in the back-forward cache, and goes on undisturbed when nobody came between', async () => {
    const b = browser();
    const first = await lead(b.open());
    first.tab.leave();
    await settle();
    first.tab.comeBack();
    await settle();
    expect(first.heard).toEqual(['leading']);
    const second = await lead(b.open());
    expect(second.leader.place).toBe('elsewhere');
  });

  it('comes back from the back-forward cache to find another tab leading', async () => {
    const b = browser();
    const first = await lead(b.open());
    first.tab.leave();
    const second = await lead(b.open());
    expect(second.leader.place).toBe('leading');
    first.tab.comeBack();
    await settle();
    expect([first.leader.place, second.leader.place]).toEqual(['elsewhere', 'leading']);
    expect(first.heard).toEqual(['leading', 'elsewhere']);
  });

  it('begins anew when it takes over from itself, as after its worker was fenced off', async () => {
    const first = await lead(browser().open());
    first.leader.takeOver();
    expect(first.heard).toEqual(['leading', 'leading']);
  });

  it('without a lock manager is the newest tab', async () => {
    const b = browser();
    const first = await lead(b.open({ locks: false }));
    const second = await lead(b.open({ locks: false }));
    expect([first.leader.place, second.leader.place]).toEqual(['elsewhere', 'leading']);
    first.leader.takeOver();
    await settle();
    expect([first.leader.place, second.leader.place]).toEqual(['leading', 'elsewhere']);
  });

  it('is the one that asked when the lock manager fails', async () => {
    const tab = browser().open();
    const locks = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) } as unknown as LockManager;
    const broken = await lead({ ...tab, around: { ...tab.around, locks } });
    expect(broken.leader.place).toBe('leading');
  });
});
