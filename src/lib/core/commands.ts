/** What a person can do: each command checks, acts, and answers with a value or a fault. */
import type { BlobId, Bytes, Hash, InvitePk } from '$crypto/brand';
import { base64url, equal, hex, unbase64url, unhex } from '$crypto/bytes';
import { openBlob, sealBlob, type BlobRef } from '$crypto/blob';
import { decodeLink, encodeLink, INVITE_SECRET, inviteKeys, sealAnswer, sealCard } from '$crypto/invite-secret';
import { blobId } from '$crypto/kept';
import { LIMIT } from '$crypto/limits';
import { newPhrase, phraseKeys } from '$crypto/phrase';
import { chainHead, liveMembers } from '$crypto/roster/state';
import { type BlobRecord, type CareRecord, parseRecord, PHOTOS_MOST, type PhotoRecord, type PostRecord, postIdOf, recordIdOf, type SeenRecord, TEXT_MOST } from '../care/record';
import { join as joinSpans, type Span } from '../care/feed';
import { addPasskey, removePasskey, unlockWithPasskey } from '../vault/passkey';
import { changePassphrase, createVault, unlockVault } from '../vault/vault';
import { changeRoster, displayBytes, planAccept, planAdmit, planInvite, planLeave, planName, planOffer, planRemove, planRevokeInvite, tagOf } from './change';
import type { Core } from './core';
import { GroupRun, type OutboxItem } from './group-run';
import { drop, keyOf, type OutboxRow, type OwnInviteRow, put, putBytes } from './group-rows';
import { nameOf, pendingPost, photoView, requestId, seenHere } from './group-view';
import { newJoinRow } from './join';
import { newGroup } from './new-group';
import { entropyOf, openVaultSession, readVault, wordsOf } from './personal';
import type { CommandName, Commands, Fault, Outcome, PersonRole } from './port';
import { readOlder } from './project';
import { putCard } from './session';
import { enqueue, pump } from './send';

/** Time to take a post back before it leaves. */
const HOLD = 5_000;
/** Seen-marks wait for each other. */
const SEEN_WAIT = 2_500;
const DAY = 86_400_000;
const NAME_MOST = 120;

export type Handlers = { readonly [K in CommandName]: (input: Commands[K]['in']) => Promise<Outcome<Commands[K]['out']>> };

const yes = <T>(value: T): Outcome<T> => ({ ok: true, value });
const no = (fault: Fault): { ok: false; fault: Fault } => ({ ok: false, fault });
const done = (fault: Fault | null): Outcome<null> => (fault === null ? yes(null) : no(fault));

export function commands(core: Core): Handlers {
  const { clock, random, host, origin } = core.ports;

  /** Runs in the group's turn, or says that there is no such group. */
  function inGroup<T>(ref: string, what: (run: GroupRun) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const run = core.groups.get(ref);
    return run === undefined ? Promise.resolve(no('not-found')) : run.turns.take(() => what(run));
  }
  /** The same for what needs the relay: says so at once instead of waiting for it. */
  const online: typeof inGroup = (ref, what) => (core.link.state === 'online' || core.groups.get(ref)?.row.ended != null ? inGroup(ref, what) : Promise.resolve(no('needs-network')));
  /** Runs beside the network: what happens here never waits for the relay. What it left in the outbox is sent when the turn is free. */
  function here<T>(ref: string, what: (run: GroupRun) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const run = core.groups.get(ref);
    if (run === undefined) return Promise.resolve(no('not-found'));
    return run.local.take(() => what(run)).finally(() => core.inGroupTurn(run, () => pump(run)));
  }
  const id = (): string => base64url(random(16));
  const shows = (run: GroupRun, ids: readonly string[] | null): void => run.around.changed(run.ref, 'feed', ids);
  const writable = (run: GroupRun): Fault | null => (run.row.ended !== null ? 'group-ended' : null);
  const change = (ref: string, plan: Parameters<typeof changeRoster>[1]): Promise<Outcome<null>> =>
    online(ref, async (run) => {
      const fault = await changeRoster(run, plan);
      await pump(run);
      return done(fault);
    });
  const person = (ref: string, member: string, plan: (tag: NonNullable<ReturnType<typeof tagOf>>) => Parameters<typeof changeRoster>[1]): Promise<Outcome<null>> => {
    const tag = tagOf(member);
    return tag === null ? Promise.resolve(no('not-found')) : change(ref, plan(tag));
  };
  async function saveDraft(run: GroupRun, draft: GroupRun['draft'], more: Parameters<GroupRun['commit']>[0] = []): Promise<void> {
    await run.commit([put('draft', run.ref, draft), ...more]);
    run.draft = draft;
    core.views.touch('draft', run.ref);
  }
  /** Still here and not on its way: it can be changed in place. */
  const unsealed = (run: GroupRun, post: string): OutboxItem | undefined =>
    [pendingPost(run, post)].find((o) => o !== undefined && !(run.sealed?.keys.includes(o.key) ?? false));
  const ownPost = (run: GroupRun, post: string): boolean =>
    run.feed.find(post)?.member === run.me || pendingPost(run, post) !== undefined;

  return {
    async 'set-up'({ name, role, passphrase }) {
      if (core.phase !== 'new') return no('not-allowed');
      if (name.trim() === '' || name.length > NAME_MOST) return no('not-allowed');
      const key = await createVault(core.vault, passphrase);
      if (!key.ok) return no(key.fault === 'exists' ? 'not-allowed' : 'weak-passphrase');
      await core.open(key.value, { name: name.trim(), role, lockAfter: role === 'clinician' ? 5 : 15 });
      return yes(null);
    },
    async unlock({ passphrase }) {
      if (core.phase !== 'locked') return no('not-allowed');
      const key = await unlockVault(core.vault, passphrase);
      if (!key.ok) {
        await core.showVault();
        return no(key.fault === 'damaged' || key.fault === 'no-vault' ? 'storage-damaged' : key.fault);
      }
      await core.open(key.value, null);
      return yes(null);
    },
    async 'unlock-passkey'({ credential, prf }) {
      if (core.phase !== 'locked') return no('not-allowed');
      const key = await unlockWithPasskey(core.vault, credential, prf);
      prf.fill(0);
      if (!key.ok) return no(key.fault === 'unknown-passkey' ? key.fault : 'storage-damaged');
      await core.open(key.value, null);
      return yes(null);
    },
    async 'add-passkey'({ passphrase, passkey, prf }) {
      const r = await addPasskey(core.vault, passphrase, passkey, prf);
      prf.fill(0);
      await core.readPasskeys();
      if (r.ok) return yes(null);
      return no(r.fault === 'malformed' ? 'not-allowed' : r.fault === 'damaged' || r.fault === 'no-vault' ? 'storage-damaged' : r.fault);
    },
    async 'remove-passkey'({ credential }) {
      const r = await removePasskey(core.vault, credential);
      await core.readPasskeys();
      return r.ok ? yes(null) : no('storage-damaged');
    },
    async 'propose-phrase'() {
      return yes({ words: wordsOf(newPhrase(random)) });
    },
    async 'keep-phrase'({ words }) {
      const entropy = entropyOf(words);
      if (entropy === null) return no('wrong-phrase');
      // only the phrase that is kept could give way to another
      if (core.personal.set) return no(core.personal.isPhrase(entropy) ? 'not-allowed' : 'wrong-phrase');
      await core.personal.keep(entropy);
      core.views.touch('app', null);
      void core.personal.add({ is: 'profile', name: core.profile.name, role: core.profile.role }).catch((e: unknown) => core.failed(e));
      for (const run of core.groups.values()) core.inGroupTurn(run, () => core.personal.cover(run));
      return yes(null);
    },
    async 'check-phrase'({ words }) {
      const entropy = entropyOf(words);
      if (entropy === null || !core.personal.isPhrase(entropy)) return yes({ right: false, groups: 0 });
      const keys = phraseKeys(entropy);
      if ((await openVaultSession(core.link, host, random, keys)) === null) return no('needs-network');
      const items = await readVault(core.link, keys);
      if (items === null) return no('needs-network');
      const there = new Set(items.flatMap((i) => (i.is === 'group' ? [hex(i.id)] : [])));
      return yes({ right: true, groups: [...core.groups.values()].filter((g) => there.has(hex(g.row.id)) && core.personal.covers(g)).length });
    },
    async restore({ words, passphrase }) {
      if (core.phase !== 'new') return no('not-allowed');
      const entropy = entropyOf(words);
      if (entropy === null) return no('wrong-phrase');
      core.link.start();
      for (let i = 0; core.link.state === 'connecting' && i < 100; i++) await new Promise<void>((r) => core.ports.later(100, r));
      const keys = phraseKeys(entropy);
      const found = await openVaultSession(core.link, host, random, keys);
      const items = found === null || found === 0 ? null : await readVault(core.link, keys);
      if (found === null || (found > 0 && items === null)) {
        core.link.stop();
        return no('needs-network');
      }
      const profile = items?.filter((i) => i.is === 'profile').at(-1);
      if (items === null || profile === undefined) {
        core.link.stop();
        return no('wrong-phrase');
      }
      const key = await createVault(core.vault, passphrase);
      if (!key.ok) {
        core.link.stop();
        return no(key.fault === 'exists' ? 'not-allowed' : 'weak-passphrase');
      }
      await core.open(key.value, { name: profile.name, role: profile.role, lockAfter: profile.role === 'clinician' ? 5 : 15 });
      await core.personal.keep(entropy);
      await core.toRestore(items.flatMap((i) => (i.is === 'group' ? [i] : [])));
      return yes({ groups: await core.bringBack() });
    },
    async lock() {
      core.link.stop();
      await Promise.all([...core.groups.values()].map((g) => g.turns.take(() => g.flush()).catch(() => undefined)));
      core.store?.close();
      return yes(null);
    },
    async 'change-passphrase'({ old, next }) {
      const r = await changePassphrase(core.vault, old, next);
      return r.ok ? yes(null) : no(r.fault === 'damaged' || r.fault === 'no-vault' ? 'storage-damaged' : r.fault);
    },
    async 'set-profile'(change) {
      const name = change.name?.trim() ?? core.profile.name;
      const lockAfter = change.lockAfter ?? core.profile.lockAfter;
      if (name === '' || name.length > NAME_MOST || !(lockAfter >= 1 && lockAfter <= 240)) return no('not-allowed');
      await core.saveProfile({ name, role: change.role ?? core.profile.role, lockAfter });
      if (core.personal.set) void core.personal.add({ is: 'profile', name: core.profile.name, role: core.profile.role }).catch((e: unknown) => core.failed(e));
      core.views.touch('app', null);
      return yes(null);
    },
    async 'take-over'() {
      await core.showVault();
      return yes(null);
    },

    async 'new-group'({ name, kind }) {
      if (name.trim() === '' || name.length > NAME_MOST) return no('not-allowed');
      const { row, keyring } = newGroup(name.trim(), kind, core.profile, clock(), random);
      const ref = core.newRef();
      await core.needStore().commit([put('group', ref, row), put('roster', keyOf.keyring(ref), [keyring])]);
      const run = await GroupRun.open(ref, row, core.around());
      core.groups.set(ref, run);
      core.views.touch('home', null);
      if (core.link.state === 'online') core.begin(run);
      return yes({ group: ref });
    },
    'rename-group': ({ group, name }) => (name.trim() === '' || name.length > NAME_MOST ? Promise.resolve(no('not-allowed')) : change(group, planName(name.trim()))),
    'forget-group': ({ group }) =>
      inGroup(group, async (run) => {
        if (run.row.ended === null && run.alarm !== 'fork') return no('not-allowed');
        await core.needStore().dropPrefix(group);
        core.groups.delete(group);
        core.views.touch('home', null);
        return yes(null);
      }),

    post: ({ group, text, photos, replyTo }) =>
      here(group, async (run) => {
        const fault = writable(run);
        if (fault !== null) return no(fault);
        const found = photos.map((p) => run.draft.photos.find((d) => d.full.b === p));
        if (text.length > TEXT_MOST) return no('too-large');
        if ((text.trim() === '' && photos.length === 0) || found.includes(undefined)) return no('not-allowed');
        const record: PostRecord = { i: id(), t: 'post', a: clock(), x: text.trim() };
        if (found.length > 0) record.p = found as PhotoRecord[];
        if (replyTo !== null) record.r = replyTo;
        if (parseRecord(record) === null) return no('not-allowed');
        const empty = { text: '', replyTo: null, photos: run.draft.photos.filter((d) => !photos.includes(d.full.b)) };
        await enqueue(run, [{ record, heldUntil: clock() + HOLD }], [put('draft', run.ref, empty)]);
        run.draft = empty;
        const post = postIdOf(record.i, run.me);
        shows(run, [post]);
        core.views.touch('draft', group);
        return yes({ post });
      }),
    'undo-post': ({ group, post }) =>
      here(group, async (run) => {
        const item = unsealed(run, post);
        if (item === undefined) return no('too-late');
        const r = item.record as PostRecord;
        run.outbox = run.outbox.filter((o) => o !== item); // at once: nothing may seal it now
        const text = [r.x, run.draft.text].filter((t) => t !== '').join('\n\n');
        try {
          await saveDraft(run, { text, replyTo: r.r ?? run.draft.replyTo, photos: [...(r.p ?? []), ...run.draft.photos] }, [drop('outbox', item.key)]);
        } catch (e) {
          run.outbox.push(item);
          run.outbox.sort((a, b) => a.made - b.made);
          throw e;
        }
        shows(run, [post]);
        return yes(null);
      }),
    edit: ({ group, post, text }) =>
      here(group, async (run) => {
        const fault = writable(run);
        if (fault !== null) return no(fault);
        if (!ownPost(run, post) || text.trim() === '') return no('not-allowed');
        if (text.length > TEXT_MOST) return no('too-large');
        const item = unsealed(run, post);
        if (item === undefined) await enqueue(run, [{ record: { i: id(), t: 'edit', a: clock(), o: recordIdOf(post), x: text.trim() }, heldUntil: 0 }]);
        else await replaceItem(run, item, { ...(item.record as PostRecord), x: text.trim() });
        shows(run, [post]);
        return yes(null);
      }),
    retract: ({ group, post }) =>
      here(group, async (run) => {
        const fault = writable(run);
        if (fault !== null) return no(fault);
        if (!ownPost(run, post)) return no('not-allowed');
        const item = unsealed(run, post);
        // words that never left need not leave: the post goes out empty
        if (item !== undefined) {
          const { p: _, ...rest } = item.record as PostRecord;
          await replaceItem(run, item, { ...rest, x: '' });
        }
        await enqueue(run, [{ record: { i: id(), t: 'retract', a: clock(), o: recordIdOf(post) }, heldUntil: 0 }]);
        shows(run, [post]);
        return yes(null);
      }),
    'save-draft': ({ group, text, replyTo }) =>
      here(group, async (run) => {
        if (text === run.draft.text && replyTo === run.draft.replyTo) return yes(null);
        const draft = { ...run.draft, text: text.slice(0, TEXT_MOST), replyTo };
        await run.commit([put('draft', run.ref, draft)]);
        run.draft = draft;
        return yes(null);
      }),
    'add-photo': ({ group, photo }) =>
      here(group, async (run) => {
        const fault = writable(run);
        if (fault !== null) return no(fault);
        if (run.draft.photos.length >= PHOTOS_MOST) return no('too-many');
        if (photo.full.length > LIMIT.blob / 2 || photo.thumb.length > 512 * 1024) return no('too-large');
        if (photo.full.length === 0 || photo.thumb.length === 0) return no('not-an-image');
        const full = sealBlob(photo.full, random);
        const thumb = sealBlob(photo.thumb, random);
        const record: PhotoRecord = { full: blobRecord(full), thumb: blobRecord(thumb), w: photo.width, h: photo.height, t: photo.type };
        await saveDraft(run, { ...run.draft, photos: [...run.draft.photos, record] }, [
          putBytes('upload', run.blobKey(record.full.b), full.ciphertext), putBytes('upload', run.blobKey(record.thumb.b), thumb.ciphertext)
        ]);
        run.localBlobs.add(record.full.b);
        void core.measure();
        return yes(photoView(run, record));
      }),
    'drop-photo': ({ group, photo }) =>
      here(group, async (run) => {
        const p = run.draft.photos.find((d) => d.full.b === photo);
        if (p === undefined) return no('not-found');
        await saveDraft(run, { ...run.draft, photos: run.draft.photos.filter((d) => d !== p) }, [
          drop('upload', run.blobKey(p.full.b)), drop('upload', run.blobKey(p.thumb.b))
        ]);
        return yes(null);
      }),
    async photo({ group, photo, size }) {
      // not in the group's turn: a slow picture must not hold up the words
      const run = core.groups.get(group);
      const p = run?.photo(photo) ?? null;
      if (run === undefined || p === null) return no('not-found');
      const blob = size === 'thumb' ? p.thumb : p.full;
      const ciphertext = await blobBytes(run, blob);
      if (typeof ciphertext === 'string') return no(ciphertext);
      const opened = openBlob(blobRef(blob), ciphertext);
      if (!opened.ok) return no('not-found');
      return yes({ bytes: opened.value, type: p.t });
    },
    older: ({ group }) =>
      here(group, async (run) => {
        await readOlder(run);
        shows(run, null);
        return yes(null);
      }),
    seen: ({ group, posts }) =>
      here(group, async (run) => {
        if (run.row.ended !== null) return yes(null);
        const marks = seenSpans(run, posts);
        if (marks.length === 0) return yes(null);
        const waiting = run.outbox.find((o) => o.record.t === 'seen' && !(run.sealed?.keys.includes(o.key) ?? false));
        if (waiting === undefined) await enqueue(run, [{ record: { i: id(), t: 'seen', a: clock(), m: merged([], marks) }, heldUntil: clock() + SEEN_WAIT }]);
        else await replaceItem(run, waiting, { ...waiting.record, m: merged((waiting.record as SeenRecord).m, marks) } as SeenRecord);
        shows(run, [...posts]);
        core.views.touch('home', null);
        return yes(null);
      }),

    invite: ({ group, history, days, relationship }) =>
      online(group, async (run) => {
        if (!(days >= 1 && days <= 30) || relationship.length > NAME_MOST) return no('not-allowed');
        const secret = random(INVITE_SECRET);
        const keys = inviteKeys(run.row.id, secret);
        const expires = clock() + Math.round(days) * DAY;
        const fault = await changeRoster(run, planInvite(keys.invite, expires, history, relationship.trim()));
        if (fault !== null) return no(fault);
        const s = run.state;
        const inside = { clinician: 0, patient: 0, family: 0 } satisfies Record<PersonRole, number>;
        for (const m of liveMembers(s)) inside[run.shown.people.get(hex(m.tag))?.role ?? 'family']++;
        const card = sealCard(keys, run.row.id, displayBytes({
          inviter: nameOf(run, run.me), inviterRole: core.profile.role, kind: run.shown.group.kind, inside, relationship: relationship.trim(), history, expires
        }), random);
        if (run.row.relayPk === null) return no('needs-network');
        const link = `${origin}/join#${encodeLink({ group: run.row.id, seq: s.seq, chain: chainHead(s), relayPk: run.row.relayPk, host, secret })}`;
        const key = hex(keys.invite);
        await run.commit([put('meta', run.inviteKey(keys.invite), { invite: key, link, card } satisfies OwnInviteRow)]);
        run.ownLinks.set(key, link);
        run.cards.set(key, card);
        run.around.changed(group, 'group', null);
        return (await putCard(run, keys.invite, card)) ? yes({ invite: key, link }) : no('unavailable');
      }),
    'revoke-invite': ({ group, invite }) => {
      const pk = unhex(invite);
      return pk === null ? Promise.resolve(no('not-found')) : change(group, planRevokeInvite(pk as InvitePk));
    },
    'let-in': ({ group, request }) =>
      online(group, async (run) => {
        const r = run.requests.find((x) => requestId(x) === request);
        if (r === undefined) return no('not-found');
        const relationship = run.shown.relationships.get(hex(r.invite)) ?? '';
        const fault = await changeRoster(run, planAdmit(r.invite as InvitePk, r.row, { name: r.name, role: r.role, relationship }));
        await pump(run);
        return done(fault);
      }),
    refuse: ({ group, request }) =>
      online(group, async (run) => {
        const r = run.requests.find((x) => requestId(x) === request);
        if (r === undefined) return no('not-found');
        const body = sealAnswer(r.answerKey, run.row.id, r.request, displayBytes({ refused: true }), random);
        const f = await core.link.ask({ is: 'put-answer', group: run.row.id, invite: r.invite as InvitePk, request: r.request, body });
        if (f?.is !== 'done') return no('unavailable');
        run.requests = run.requests.filter((x) => x !== r);
        run.around.changed(group, 'group', null);
        return yes(null);
      }),
    remove: ({ group, member }) => person(group, member, planRemove),
    'offer-owner': ({ group, member }) => person(group, member, planOffer),
    'withdraw-offer': ({ group }) => change(group, planOffer(null)),
    'accept-owner': ({ group }) => change(group, planAccept),
    leave: ({ group }) =>
      online(group, async (run) => {
        // words that wait must be sent or taken back first: leaving would strand them
        if (run.waiting > 0) return no('unavailable');
        return done(await changeRoster(run, planLeave));
      }),

    async 'open-link'({ fragment }) {
      const link = decodeLink(fragment);
      if (!link.ok) return no('bad-link');
      for (const j of core.joins.values()) if (!j.done && equal(j.link.secret, link.value.secret)) return yes({ join: j.id });
      const key = core.newRef();
      const row = newJoinRow(fragment.replace(/^#/, '').trim(), random);
      await core.needStore().commit([put('join', key, row)]);
      const join = core.addJoin(key, row);
      core.inTurn(join, () => join.begin());
      return yes({ join: key });
    },
    async ask({ join }) {
      const j = core.joins.get(join);
      if (j === undefined) return no('not-found');
      await j.turns.take(() => j.ask());
      return yes(null);
    },
    async 'cancel-join'({ join }) {
      const j = core.joins.get(join);
      if (j === undefined) return no('not-found');
      await j.turns.take(() => j.cancel());
      await core.needStore().commit([drop('join', join)]);
      core.joins.delete(join);
      core.views.touch('home', null);
      return yes(null);
    },

    async wake() {
      core.link.wake();
      return yes(null);
    },
    async persisted({ granted }) {
      core.persisted = granted;
      await core.saveProfile(core.profile);
      await core.measure();
      return yes(null);
    }
  };
}

/** Changes what waits, in memory first: whatever is sealed meanwhile is the new version. */
async function replaceItem(run: GroupRun, item: OutboxItem, record: CareRecord): Promise<void> {
  run.outbox = run.outbox.map((o) => (o === item ? { ...o, record } : o));
  await run.commit([put('outbox', item.key, { record, heldUntil: item.heldUntil, made: item.made } satisfies OutboxRow)]);
}

/** Stretches of each log that were seen with these posts: from after the post before, when that one was seen too. */
function seenSpans(run: GroupRun, posts: readonly string[]): [number, number, number][] {
  const out: [number, number, number][] = [];
  for (const id of posts) {
    const p = run.feed.find(id);
    if (p === null || p.member === run.me || seenHere(run, p.device, p.n)) continue;
    const before = run.feed.posts.filter((x) => x.device === p.device && x.n < p.n).at(-1);
    const from = before !== undefined && (seenHere(run, p.device, before.n) || posts.includes(before.id)) ? before.n + 1 : p.n;
    out.push([p.device, from, p.n]);
  }
  return out;
}

function merged(a: SeenRecord['m'], b: readonly [number, number, number][]): SeenRecord['m'] {
  const logs = new Map<number, Span[]>();
  for (const [device, from, to] of [...a, ...b]) logs.set(device, joinSpans(logs.get(device) ?? [], [from, to]));
  return [...logs].flatMap(([device, spans]) => spans.map(([from, to]): [number, number, number] => [device, from, to])).slice(0, 500);
}

const blobRecord = (b: BlobRef): BlobRecord => ({ b: base64url(b.id), k: base64url(b.key), h: base64url(b.plain), s: b.size });
const blobRef = (b: BlobRecord): BlobRef => ({ id: unbase64url(b.b) as Bytes as BlobId, key: unbase64url(b.k) as Bytes, plain: unbase64url(b.h) as Bytes as Hash, size: b.s });

/** Ciphertext from this device, or from the relay. */
async function blobBytes(run: GroupRun, blob: BlobRecord): Promise<Bytes | Fault> {
  const key = run.blobKey(blob.b);
  const { store, blobs } = run.around;
  const id = unbase64url(blob.b) as Bytes;
  const here = (await store.get('upload', key)) ?? (await store.cacheGet('blob', key));
  if (here !== null && equal(blobId(here), id)) {
    run.localBlobs.add(blob.b);
    return here;
  }
  if (run.bearer === null) return 'needs-network';
  const got = await blobs.get(hex(run.row.id), hex(id), base64url(run.bearer));
  if (typeof got === 'string') {
    if (got === 'missing') run.missingBlobs.add(blob.b);
    return got === 'missing' ? 'not-found' : got === 'offline' ? 'needs-network' : 'unavailable';
  }
  // anything else is never kept, so that the right bytes can still come
  if (!equal(blobId(got), id)) return 'unavailable';
  await store.cacheCommit([{ table: 'blob', key, value: got }]).catch(() => undefined);
  run.localBlobs.add(blob.b);
  run.missingBlobs.delete(blob.b);
  return got;
}

