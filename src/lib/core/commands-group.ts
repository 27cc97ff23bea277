/** Commands that change a group: its making and name, invites, requests, people, ownership. */
import type { InvitePk } from '$crypto/brand';
import { hex, unhex } from '$crypto/bytes';
import { permitIn, type PermitRefusal } from '$crypto/permit';
import { encodeLink, INVITE_SECRET, inviteKeys, sealAnswer, sealCard } from '$crypto/invite-secret';
import { ROLE } from '$crypto/roster/entry';
import { chainHead, liveMembers } from '$crypto/roster/state';
import { beginCarrying, carryRow } from './carrying';
import { changeRoster, displayBytes, planAccept, planAcceptClaim, planAdmit, planClaim, planDestroy, planInvite, planLeave, planName, planOffer, planRemove, planRestate, planRevokeInvite, planRoles, tagOf } from './change';
import { done, type Handlers, inGroup as inGroupOf, NAME_MOST, no, online as onlineOf, yes } from './commands-kit';
import type { Core } from './core';
import { GroupRun } from './group-run';
import { keyOf, type OwnInviteRow, put } from './group-rows';
import { nameOf, requestId } from './group-view';
import { lostLogs } from './lost';
import { newGroup } from './new-group';
import { sayPerson } from './people';
import type { Fault, Outcome, PersonRole } from './port';
import { putCard } from './session';
import { pump } from './send';
import { waitingIn } from './waiting';

type Name =
  | 'new-group' | 'use-permit' | 'rename-group' | 'forget-group' | 'stop-carrying' | 'read-history' | 'invite' | 'revoke-invite' | 'let-in' | 'refuse'
  | 'remove' | 'offer-owner' | 'withdraw-offer' | 'accept-owner' | 'leave' | 'end-group' | 'keep-group' | 'set-roles' | 'claim-owner' | 'drop-claim' | 'accept-claim' | 'go-without';
type Planner = Parameters<typeof changeRoster>[1];

const DAY = 86_400_000;
const PERMIT_FAULTS = { none: null, unknown: 'permit-unknown', spent: 'permit-spent', ended: 'permit-ended' } as const satisfies Record<PermitRefusal, Fault | null>;

export function groupCommands(core: Core): Pick<Handlers, Name> {
  const { clock, random, host, origin } = core.ports;
  const inGroup = inGroupOf(core);
  const online = onlineOf(core);
  const change = (ref: string, plan: Planner): Promise<Outcome<null>> =>
    online(ref, async (run) => {
      const fault = await changeRoster(run, plan);
      await pump(run);
      return done(fault);
    });
  const person = (ref: string, member: string, plan: (tag: NonNullable<ReturnType<typeof tagOf>>) => Planner): Promise<Outcome<null>> => {
    const tag = tagOf(member);
    return tag === null ? Promise.resolve(no('not-found')) : change(ref, plan(tag));
  };

  return {
    async 'new-group'({ name, kind, carry }) {
      if (name.trim() === '' || name.length > NAME_MOST) return no('not-allowed');
      const old = carry === undefined ? undefined : core.groups.get(carry);
      // only its owner, and only what the relay's fork ended
      if (carry !== undefined && (old?.row.ended !== 'forked' || old.state.owner !== old.me)) return no('not-allowed');
      const { row, keyring } = newGroup(name.trim(), kind, core.profile, clock(), random);
      const ref = core.newRef();
      await core.needStore().commit([put('group', ref, row), put('roster', keyOf.keyring(ref), [keyring]), ...(old === undefined ? [] : [carryRow(ref, old.ref)])]);
      const run = await GroupRun.open(ref, row, core.around());
      core.groups.set(ref, run);
      if (old !== undefined) beginCarrying(core, run, { from: old.ref });
      core.views.touch('home', null);
      if (core.link.state === 'online') core.begin(run);
      return yes({ group: ref });
    },
    async 'use-permit'({ group, code }) {
      const permit = permitIn(code);
      if (permit === null) return no('bad-permit');
      await core.permit.hold(permit);
      const waiting = [...core.groups.values()].filter((run) => run.permitWanted !== null);
      if (core.link.state !== 'online') {
        for (const run of waiting) {
          run.needsPermit = null;
          run.changed();
        }
        return yes({ begun: false });
      }
      const first = waiting.find((run) => run.ref === group);
      if (first !== undefined) await core.beginUnsent(first);
      for (const run of waiting) if (run !== first) void core.beginUnsent(run);
      const fault = first?.permitWanted ? PERMIT_FAULTS[first.permitWanted] : null;
      return fault === null ? yes({ begun: first?.stored ?? false }) : no(fault);
    },
    'rename-group': ({ group, name }) => (name.trim() === '' || name.length > NAME_MOST ? Promise.resolve(no('not-allowed')) : change(group, planName(name.trim()))),
    'forget-group': ({ group }) =>
      inGroup(group, async (run) => {
        if (run.row.ended === null && run.alarm !== 'fork' && run.permitWanted === null) return no('not-allowed');
        if ([...core.groups.values()].some((g) => g.carrying?.from === group)) return no('carrying');
        run.stopWriting();
        await core.needStore().dropPrefix(group);
        // nothing that waits for its turn may begin it any more
        run.row.ended ??= 'left';
        core.groups.delete(group);
        core.views.touch('home', null);
        core.views.touch('app', null);
        return yes(null);
      }),

    'stop-carrying': async ({ group }) => {
      await core.groups.get(group)?.carrying?.stop();
      return yes(null);
    },
    // not in the group's turn: it may take long
    async 'read-history'({ group }) {
      const run = core.groups.get(group);
      if (run === undefined) return no('not-found');
      const read = await core.readings.read(run);
      return read.ok ? yes({ group: read.value }) : no(read.fault);
    },

    invite: ({ group, history, days, relationship, open = false }) =>
      online(group, async (run) => {
        if (!(days >= 1 && days <= 30) || relationship.length > NAME_MOST) return no('not-allowed');
        const secret = random(INVITE_SECRET);
        const keys = inviteKeys(run.row.id, secret);
        const expires = clock() + Math.round(days) * DAY;
        const fault = await changeRoster(run, planInvite(keys.invite, expires, history, relationship.trim(), open));
        if (fault !== null) return no(fault);
        const s = run.state;
        const inside = { clinician: 0, patient: 0, family: 0 } satisfies Record<PersonRole, number>;
        for (const m of liveMembers(s)) inside[run.shown.people.get(hex(m.tag))?.role ?? 'family']++;
        const card = sealCard(keys, run.row.id, displayBytes({
          inviter: nameOf(run, run.me), inviterRole: core.profile.role, kind: run.shown.group.kind, inside, relationship: relationship.trim(), history, expires, open
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
        if (core.person !== null) await sayPerson(run, core.person);
        await core.credentials.settle(run);
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
    'set-roles': ({ group, member, roles }) =>
      person(group, member, (tag) => planRoles(tag, (roles.host ? ROLE.host : 0) | (roles.successor ? ROLE.successor : 0) | (roles.representative ? ROLE.representative : 0))),
    'claim-owner': ({ group }) => change(group, planClaim(true)),
    'drop-claim': ({ group }) => change(group, planClaim(false)),
    'accept-claim': ({ group }) => change(group, planAcceptClaim),
    'end-group': ({ group }) => change(group, planDestroy(true)),
    'keep-group': ({ group }) => change(group, planDestroy(false)),
    'go-without': ({ group, member }) =>
      online(group, async (run) => {
        const lost = lostLogs(run).filter(({ row }) => hex(row.member) === member);
        if (lost.length === 0) return no('changed-meanwhile');
        for (const { row, there } of lost) {
          const fault = await changeRoster(run, planRestate(row.logPk, there));
          if (fault !== null) return no(fault);
        }
        return yes(null);
      }),
    leave: ({ group, unsent = false }) =>
      online(group, async (run) => {
        // leaving strands words that wait
        if (!unsent && waitingIn(run).waiting > 0) return no('unsent');
        return done(await changeRoster(run, planLeave));
      })
  };
}
