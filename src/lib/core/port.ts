/**
 * The border between the page and the worker: commands go down, views come up. Types only; no keys ever cross it.
 * Every id here is an opaque string. Every time is milliseconds since 1970, for display only.
 */

/** A random id of this device's own for a group; safe in a URL, means nothing to anybody else. */
export type GroupRef = string;
export type PostId = string;
export type PhotoId = string;
export type MemberId = string;
export type InviteId = string;
export type RequestId = string;
/** A join this device has begun with a link. */
export type JoinId = string;
/** One installation of this person's, the same in all their groups. */
export type DeviceId = string;
/** An organisation's key, by which this device tells it from others. */
export type OrganisationId = string;

export type GroupKind = 'team' | 'across' | 'family' | 'one-to-one';
export type PersonRole = 'clinician' | 'patient' | 'family';
export type History = 'start' | 'today';

// ---------------------------------------------------------------------------------------------------------- views

export interface ConnectionView {
  /** `offline` when no session with the relay is up; `connecting` while one is being made. */
  readonly state: 'online' | 'connecting' | 'offline';
  /** Since when offline; null while online. */
  readonly since: number | null;
  /** Posts and changes on this device that the relay has not stored yet, and that leave by waiting. */
  readonly waiting: number;
  /** Groups in which what is written stays here; it is not counted above. */
  readonly halted: number;
  /** Groups that the relay begins only with a permit, which is lacking; what waits in them is not counted above. */
  readonly unbegun: number;
  /** Groups of which something is missing here: an alarm says so, or it waits for a key. */
  readonly lacking: number;
  /** Groups that are on their way here, or being brought up to date. */
  readonly reading: number;
  /** When this device last had everything, and could read it. */
  readonly lastSynced: number | null;
}

export interface StorageView {
  readonly used: number;
  readonly quota: number;
  /** Whether the browser promised to keep our data; null while not asked. */
  readonly persisted: boolean | null;
  /** True when the device refused a write for lack of space; reading goes on. */
  readonly full: boolean;
}

export interface Profile {
  readonly name: string;
  readonly role: PersonRole;
  /** Minutes without a touch before the app locks. */
  readonly lockAfter: number;
}

/** The recovery phrase of this person. */
export interface RecoveryView {
  /** A phrase was kept on paper and told to this device. */
  readonly set: boolean;
  /** Groups that the phrase would bring back, of those this person is in. */
  readonly covered: number;
  readonly of: number;
  /** Groups where a recovery row stands that is not this phrase's: one of this person's devices gave it another phrase. */
  readonly foreign: number;
  /** Another phrase has begun to take its place, and has not in all groups: that one goes on, and no third. */
  readonly half?: true;
}

/** The doorbell of this device: where its browser is pushed to, null while it never was, and the groups that ring. */
export interface BellView { readonly place: string | null; readonly groups: readonly GroupRef[] }

/** Whether the relay asks for a permit to begin a group, as far as this device knows, and whether one is here. */
export type PermitView = 'free' | 'asked' | 'held';
/** Why a group was not begun: no permit is here, the relay does not know it, its groups are all begun, its time is over. */
export type PermitWanted = 'none' | 'unknown' | 'spent' | 'ended';

/** A device of this person's. */
export interface DeviceView {
  readonly device: DeviceId;
  /** Empty when it never said. */
  readonly name: string;
  readonly me: boolean;
  /** Null while it is in no group. */
  readonly added: number | null;
  /** Newest sign of it that reached this device; null when none. */
  readonly lastSeen: number | null;
  /** Groups it is in, of those this device is in. */
  readonly groups: number;
  /** `ending`: it is being put out; some groups could not be reached yet. */
  readonly state: 'live' | 'ending' | 'ended';
}

/** Linking a device, as either side sees it: `new` is the bare one, `live` the one that lets it in. */
export type LinkView =
  | { readonly state: 'idle' }
  /** New device: `code` as text to type, which is also what the QR holds. */
  | { readonly state: 'showing'; readonly code: string; readonly expires: number }
  /** Both sides: compare by eye; `name` of the other device, empty where it is not known. */
  | { readonly state: 'compare'; readonly number: string; readonly name: string; readonly side: LinkSide }
  | { readonly state: 'joining'; readonly done: number; readonly of: number; readonly side: LinkSide }
  /** `full`: groups that hold as many devices of this person as they can; all others are joined. */
  | { readonly state: 'done'; readonly groups: number; readonly full: number; readonly side: LinkSide }
  | { readonly state: 'failed'; readonly why: LinkFault; readonly side: LinkSide };
export type LinkSide = 'new' | 'live';
export type LinkFault = 'expired' | 'refused' | 'bad-code' | 'other-relay' | 'needs-network' | 'too-many';

/** A passkey that unlocks this device, as WebAuthn needs to ask for it; both are bytes, and nothing of it is secret. */
export interface PasskeyView {
  readonly credential: Uint8Array<ArrayBuffer>;
  /** Input of the PRF. */
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly name: string;
}

/** What the whole app shows. Sent first, and again at every change. */
export type AppView =
  | { readonly phase: 'starting' }
  /** Nobody has been set up on this device. */
  | { readonly phase: 'new' }
  /** `retryAt`: after wrong passphrases, the time before which another try is refused. */
  | { readonly phase: 'locked'; readonly name: null; readonly retryAt: number | null; readonly wrongTries: number; readonly passkeys: readonly PasskeyView[] }
  | {
      readonly phase: 'open'; readonly profile: Profile; readonly connection: ConnectionView; readonly storage: StorageView; readonly passkeys: readonly PasskeyView[]; readonly recovery: RecoveryView;
      readonly bell: BellView;
      readonly permit: PermitView;
      /** This device has a name to be known by in the list of devices. */
      readonly named: boolean;
    }
  /** Another tab or window writes; this one may take over. */
  | { readonly phase: 'elsewhere' }
  /** This device was put out, here or by another device of its person: everything on it was wiped. `at` in milliseconds. */
  | { readonly phase: 'signed-out'; readonly why: 'revoked' | 'signed-out'; readonly at: number }
  /** Storage can't be opened or is damaged; nothing was deleted. */
  | { readonly phase: 'failed'; readonly fault: Fault };

/** What a group has on this device alone. */
export interface WaitingView {
  /** Posts and changes that the relay has not stored. */
  readonly waiting: number;
  /** Of these, what does not leave however long one waits. */
  readonly stuck: number;
  /** What was begun and never posted. */
  readonly drafts: number;
}

export interface GroupSummary extends WaitingView {
  readonly group: GroupRef;
  readonly name: string;
  readonly kind: GroupKind;
  /** The newest thing that happened, for the list: who and the first words; null in an empty group. */
  readonly last: { readonly who: string; readonly mine: boolean; readonly words: string; readonly photos: number; /** It was taken back. */ readonly gone: boolean; readonly at: number } | null;
  /** Its updates were never all here: nothing is known of what is not shown. */
  readonly opening: boolean;
  readonly unread: number;
  readonly people: readonly string[];
  /** Requests to join that wait for this person. */
  readonly requests: number;
  /** Ownership is offered to this person. */
  readonly offered: boolean;
  /** From when on the relay destroys it, as its owner asked; null while nobody did. */
  readonly ending: number | null;
  /** This app is too old for the group as it is now. */
  readonly outdated: boolean;
  readonly alarm: Alarm | null;
  readonly permit: PermitWanted | null;
  readonly ended: Ended | null;
}

/** Why a group is read-only. */
export type Ended = 'removed' | 'left' | 'gone' | 'forked' | 'overtaken' | 'destroyed' | 'carried';

/** A group that ended in a fork, brought along to another one and read there. */
export interface CarriedView {
  /** Who brought it, as this person's other group calls them. */
  readonly by: string;
  /** Two receipts of the relay show that it forked the group; otherwise it is said by who brought it. */
  readonly proven: boolean;
  /** Some of it is closed here: who brought it had no key for it. */
  readonly lacksKeys: boolean;
}
/** What the maker of a group brought along to it from one that ended in a fork. */
export interface HistoryView {
  readonly by: string;
  readonly mine: boolean;
  /** Bytes to fetch, without pictures. */
  readonly size: number;
  /** Where it can be read on this device; null until it was fetched. */
  readonly group: GroupRef | null;
  /** Being fetched and checked: parts of it that are here. `wrong`: it does not hold together, and nothing of it is shown. */
  readonly reading: { readonly done: number; readonly of: number } | 'wrong' | null;
}
/** The history that this device is taking along to a group: blobs that are there, of all; none while it is being put together. */
export interface CarryingView { readonly done: number; readonly of: number; readonly stuck: 'full' | 'too-large' | null }

export interface HomeView {
  readonly groups: readonly GroupSummary[];
  readonly joins: readonly JoinView[];
  /** Groups that a request of this device was let into since it was unlocked. */
  readonly letIn: readonly GroupRef[];
  /** Groups that were restored, or are given by another device, and are not here yet. */
  readonly arriving: number;
  /** Over all groups. */
  readonly unread: number;
}

/** Whether a person is who they were: by their person key, which is the same in all their groups. */
export interface Recognition {
  /**
   * `unsaid`: named no key (yet). `seen`: named one that nobody compared here. `verified`: its safety number was compared on this device.
   * `changed`: named another key than before. `other`: bears the name of somebody who was compared, with another key.
   */
  readonly state: 'unsaid' | 'seen' | 'verified' | 'changed' | 'other';
  /** When it was compared; null while it was not. */
  readonly at: number | null;
  /** Names of this person's other groups where the same person is. */
  readonly also: readonly string[];
}

/** What an organisation's signature says of a person. Whether it holds at this hour is for the page to say. */
export interface CredentialView {
  readonly organisation: OrganisationId;
  /** As this device accepted the organisation, else as it calls itself. */
  readonly by: string;
  readonly name: string;
  readonly role: string;
  readonly from: number;
  /** The first moment at which it holds no more. */
  readonly until: number;
}
export interface VouchedView extends CredentialView {
  /** `unchecked`: nobody accepted that organisation's key here. `imitates`: it bears the name of one that was accepted, with another key. */
  readonly trust: 'trusted' | 'unchecked' | 'imitates';
}
export interface OrganisationView {
  readonly organisation: OrganisationId;
  readonly name: string;
  /** Since when this device trusts it. */
  readonly at: number;
}

/** What the owner lets a person do beyond every member's rights. */
export interface PersonRoles {
  /** Invites, and lets in by their own invites. */
  readonly host: boolean;
  /** May take over when the owner no longer answers. */
  readonly successor: boolean;
  /** Speaks for the patient: invites, lets in, removes. */
  readonly representative: boolean;
}

export interface PersonView {
  readonly member: MemberId;
  readonly name: string;
  readonly role: PersonRole;
  /** “Daughter”, “Neighbour”; empty when none was given. */
  readonly relationship: string;
  readonly owner: boolean;
  readonly roles: PersonRoles;
  readonly me: boolean;
  readonly since: number;
  /** Reads from the start, or only from the day they joined. */
  readonly history: History;
  /** Another live member bears the same name: show `mark`. */
  readonly sameName: boolean;
  /** Four digits that tell two people of one name apart. */
  readonly mark: string;
  readonly invitedBy: string | null;
  /** Came in by a link of theirs without being let in. */
  readonly cameOpen: boolean;
  /** When a device of theirs last confirmed the same history of the group as ours; null when none has, or of oneself. */
  readonly verified: number | null;
  readonly known: Recognition;
  /** What organisations say of them, those this device trusts first. */
  readonly vouched: readonly VouchedView[];
  /** Set when the person is no longer in the group. */
  readonly ended: { readonly how: 'removed' | 'left'; readonly at: number } | null;
}

export interface InviteView {
  readonly invite: InviteId;
  readonly by: string;
  readonly relationship: string;
  readonly history: History;
  readonly expires: number;
  readonly state: 'pending' | 'used' | 'expired' | 'revoked' | 'voided';
  /** Its holder comes in without being let in. */
  readonly open: boolean;
  readonly mine: boolean;
  /** Present while this device still holds the secret of a pending invite it made. */
  readonly link: string | null;
}

export interface RequestView {
  readonly request: RequestId;
  readonly invite: InviteId;
  readonly name: string;
  readonly role: PersonRole;
  readonly relationship: string;
  readonly history: History;
  /** 12 digits, without spaces. */
  readonly number: string;
  readonly at: number;
}

export interface GroupView {
  readonly group: GroupRef;
  readonly name: string;
  readonly kind: GroupKind;
  /** Live members first, in the order they joined; then those who left. */
  readonly people: readonly PersonView[];
  readonly me: MemberId;
  readonly iOwn: boolean;
  /** Ownership offered and not yet answered. */
  readonly offer: { readonly to: MemberId; readonly name: string; readonly toMe: boolean } | null;
  /** This person may invite; may remove others. */
  readonly mayInvite: boolean;
  readonly mayRemove: boolean;
  /** The successor asked to take over; may do so from `from` on, unless the owner refuses. */
  readonly claim: { readonly by: MemberId; readonly name: string; readonly mine: boolean; readonly from: number } | null;
  readonly invites: readonly InviteView[];
  readonly requests: readonly RequestView[];
  /** “From the start” can only be granted by someone who can read from the start. */
  readonly iReadFromStart: boolean;
  /** When keys last changed. */
  readonly keysChanged: number;
  readonly ended: Ended | null;
  /** The owner asked for the group's end: since when, and from when on the relay destroys it; null while nobody did. */
  readonly ending: { readonly asked: number; readonly from: number } | null;
  /** This app is too old: for the group as it is now, or for what somebody wrote; null when it is not. */
  readonly outdated: 'group' | 'log' | null;
  /** When the relay destroyed all it held of the group; null while it has not. */
  readonly destroyed: number | null;
  /** The relay stores the group (false for a group made offline and not yet sent). */
  readonly stored: boolean;
  /** Its updates were never all here: nothing is known of what is not shown, and names may be lacking. */
  readonly opening: boolean;
  /** The relay wants a permit before it begins the group; null when it does not, or did. */
  readonly permit: PermitWanted | null;
  readonly waiting: number;
  readonly alarm: Alarm | null;
  /** A key is late that some words wait for; `write`: what is written here waits for it too. No alarm: whoever has it gives it when they are online. */
  readonly awaitsKey: 'read' | 'write' | null;
  /** People no longer in the group, or with a device that was put out, the last of whose words the relay says it has not, and nobody gave it. */
  readonly lost: readonly { readonly member: MemberId; readonly name: string; readonly mine: boolean }[];
  /** Set where this is such a group itself. */
  readonly carried: CarriedView | null;
  /** Null where nothing was brought along, or for who reads from a later day. */
  readonly history: HistoryView | null;
  readonly carrying: CarryingView | null;
  /** The relay takes no more words, or no more pictures: of the group as a whole, or of anybody. */
  readonly noRoom: 'group' | 'server' | null;
}

/** Something is wrong that the person must know; each has its own words. */
export type Alarm = 'fork' | 'rollback' | 'stranger' | 'gap' | 'wrong-key';

export interface PhotoView {
  readonly photo: PhotoId;
  readonly width: number;
  readonly height: number;
  /** Bytes of the full picture. */
  readonly size: number;
  /** Where it is: `here` can be shown; `away` will be fetched on ask; `missing` the relay does not hold it (yet). */
  readonly where: 'here' | 'away' | 'missing';
}

/** Delivery is where the item is; it is never a step ahead of the truth. Of a post that was changed or taken back: where that change is. */
export type Delivery =
  /** Saved here, may still be undone until `until`. */
  | { readonly at: 'held'; readonly until: number }
  /** Saved here, and does not leave by waiting. */
  | { readonly at: 'halted' }
  /** Saved here, waiting for the network. `done`/`of` count attachment bytes already with the relay. */
  | { readonly at: 'saved'; readonly done: number; readonly of: number }
  /** The relay stored it durably. Of those who can read it, `earlier` had only words from before a change on their screen, and `notYet` nothing of it. */
  | { readonly at: 'sent'; readonly earlier: readonly MemberId[]; readonly notYet: readonly MemberId[] }
  /** `by` had the words that are shown on their screen; `of` is how many others can read it. */
  | { readonly at: 'seen'; readonly by: readonly MemberId[]; readonly earlier: readonly MemberId[]; readonly notYet: readonly MemberId[]; readonly of: number }
  /** The group ended before it could be sent; the words are still here and can be copied. */
  | { readonly at: 'unsent' };

export interface PostItem {
  readonly is: 'post';
  readonly id: PostId;
  /** Items are shown in ascending `order`, then `id`. */
  readonly order: number;
  readonly author: MemberId;
  readonly name: string;
  readonly role: PersonRole;
  readonly relationship: string;
  readonly mine: boolean;
  /** The author's own clock. */
  readonly at: number;
  /** When the relay stored it; null while it is only here. Day separators use `sentAt ?? at`. */
  readonly sentAt: number | null;
  readonly text: string;
  readonly photos: readonly PhotoView[];
  /** What it answers; `gone`: why its words are not here any more. */
  readonly replyTo: { readonly id: PostId; readonly name: string; readonly words: string; readonly gone: 'retracted' | 'withdrawn' | null } | null;
  readonly replies: number;
  readonly edited: number | null;
  /** What it said at first, where other words are shown now. */
  readonly before: string | null;
  /** The change that brought these words, to be named in `seen`; null for those of the beginning, and while it waits here. */
  readonly change: string | null;
  readonly retracted: number | null;
  /** Taken out because its author was removed before everyone had it. */
  readonly withdrawn: boolean;
  readonly unread: boolean;
  /** Unread only in the words that a change brought. */
  readonly changed: boolean;
  /** Only on own posts; of one taken back, only until that is sent. */
  readonly delivery: Delivery | null;
}

/** Something that happened to the group: “Fay joined”, “Pat owns this group now”. */
export interface NoteItem {
  readonly is: 'note';
  readonly id: string;
  readonly order: number;
  readonly at: number;
  /** `came`: by itself, with an open invite of `by`. `carried`: brought along a history, which the group's view tells more of. `without`: `by` went on without the last words of `who`. `owner`: handed over by `by`. `took`: after a claim, from `by`. `coming`: updates that stand here are still on their way; `missing`: they never came. */
  readonly what: 'made' | 'joined' | 'came' | 'removed' | 'left' | 'owner' | 'took' | 'renamed' | 'roles' | 'claim' | 'unclaim' | 'ending' | 'unending' | 'relay' | 'upgraded' | 'without' | 'carried' | 'coming' | 'missing';
  readonly who: string;
  readonly me: boolean;
  readonly by: string | null;
  readonly byMe?: boolean;
  /** Whom `by` spoke for in doing it, blank when no patient is named here; null when `by` acted as the owner or by another right. */
  readonly speaking?: string | null;
  /** Of `roles`: all that the person has from then on. */
  readonly roles?: PersonRoles | null;
  /** Of `coming`: how much of it is here, from 0 to 1; null while there is no connection. */
  readonly share?: number | null;
}

export type FeedItem = PostItem | NoteItem;

/** The newest items first loaded; `older` extends it backwards. Patches arrive as changed items. */
export type FeedView =
  | { readonly reset: true; readonly items: readonly FeedItem[]; readonly more: boolean; /** From where on updates are new, not only changed. */ readonly unreadFrom: PostId | null }
  | { readonly reset: false; readonly put: readonly FeedItem[]; readonly gone: readonly string[]; readonly more: boolean };

export interface DraftView {
  readonly text: string;
  readonly photos: readonly PhotoView[];
  readonly replyTo: PostId | null;
  readonly editing: EditingView | null;
}
/** An own post that is being changed: to which words, and which it had when that began. */
export interface EditingView {
  readonly post: PostId;
  readonly text: string;
  readonly over: string;
}

export interface JoinView {
  readonly join: JoinId;
  readonly state:
    /** Fetching the card. */
    | 'opening'
    /** The card is here; nothing was asked yet. */
    | 'card'
    /** Asked; `number` is to be compared. */
    | 'waiting'
    /** As many as an invite takes are waiting already; it is asked again by itself. */
    | 'crowded'
    | 'refused'
    | 'used' | 'expired' | 'revoked' | 'unknown' | 'bad-link' | 'other-relay'
    /** The group needs a newer app than this one. */
    | 'outdated'
    /** The link was opened without network: it is kept and goes on by itself. */
    | 'offline'
    /** In: go to `group`. */
    | 'in';
  readonly card: {
    readonly inviter: string; readonly inviterRole: PersonRole; readonly kind: GroupKind;
    /** How many people are inside, by role. */
    readonly inside: { readonly clinician: number; readonly patient: number; readonly family: number };
    readonly relationship: string; readonly history: History; readonly expires: number;
    /** Opens by itself: nobody has to let one in. */
    readonly open?: boolean | undefined;
  } | null;
  /** 12 digits. */
  readonly number: string | null;
  readonly group: GroupRef | null;
}

/** What a view is asked by, and what arrives. */
export interface Views {
  app: { key: null; view: AppView };
  home: { key: null; view: HomeView };
  group: { key: GroupRef; view: GroupView };
  feed: { key: GroupRef; view: FeedView };
  /** Sent once when subscribed, to restore the composer. */
  draft: { key: GroupRef; view: DraftView };
  join: { key: JoinId; view: JoinView };
  /** Devices of this person, this one first. */
  devices: { key: null; view: { readonly devices: readonly DeviceView[] } };
  /** What organisations vouch for of this person, and whom this device believes when they do. */
  organisations: { key: null; view: { readonly mine: readonly CredentialView[]; readonly trusted: readonly OrganisationView[] } };
  /** Shown before anything is set up, too. */
  link: { key: null; view: LinkView };
}
export type ViewName = keyof Views;

// ------------------------------------------------------------------------------------------------------- commands

/** A photo already re-encoded by the page: JPEG or WebP, longest side ≤ 2048 px, no metadata. */
export interface EncodedPhoto {
  readonly full: Uint8Array<ArrayBuffer>; readonly thumb: Uint8Array<ArrayBuffer>;
  readonly width: number; readonly height: number; readonly type: 'image/jpeg' | 'image/webp';
}

/** Each command: what it takes, what it answers. */
export interface Commands {
  /** First run: makes the vault on this device. */
  'set-up': { in: { name: string; role: PersonRole; passphrase: string }; out: null };
  unlock: { in: { passphrase: string }; out: null };
  /** With the 32 bytes that the passkey's PRF gave for its salt. */
  'unlock-passkey': { in: { credential: Uint8Array<ArrayBuffer>; prf: Uint8Array<ArrayBuffer> }; out: null };
  /** Adds a passkey beside the passphrase, which has to be given once more. */
  'add-passkey': { in: { passphrase: string; passkey: PasskeyView; prf: Uint8Array<ArrayBuffer> }; out: null };
  'remove-passkey': { in: { credential: Uint8Array<ArrayBuffer> }; out: null };
  /** Thirteen words to write down; they are not kept anywhere until `keep-phrase`. */
  'propose-phrase': { in: null; out: { words: readonly string[] } };
  /** The person wrote the words down and retyped some. Groups are covered as soon as the relay is there. */
  'keep-phrase': { in: { words: readonly string[] }; out: null };
  /** The drill: whether these words are the phrase, and how many groups they open. Changes nothing. */
  'check-phrase': { in: { words: readonly string[] }; out: { right: boolean; groups: number } };
  /** On a bare device: brings back name, groups, history and ownership with the phrase alone, under a new passphrase. */
  restore: {
    in: {
      words: readonly string[]; passphrase: string;
      /** “I lost the other devices”: every other device of this person is put out of every group. Where eight are there already it happens anyway. */
      endOthers?: boolean;
    };
    out: { groups: number };
  };
  /** Another phrase takes the place of the old one, which has to be given once more. Needs the relay. */
  'replace-phrase': { in: { old: readonly string[]; words: readonly string[] }; out: null };
  /** The page ends the worker afterwards. */
  lock: { in: null; out: null };
  'change-passphrase': { in: { old: string; next: string }; out: null };
  'set-profile': { in: { name?: string; role?: PersonRole; lockAfter?: number }; out: null };
  /** This tab becomes the one that writes. */
  'take-over': { in: null; out: null };

  /** Bare device: makes the vault under this passphrase and shows a code (view `link`). `name` of this device: “Laptop”. */
  'begin-link': { in: { passphrase: string; name: string }; out: null };
  /** Live device: the code that was scanned or typed. */
  'read-code': { in: { code: string }; out: null };
  /** Live device, after comparing the number. */
  'approve-link': { in: null; out: null };
  /** Live device: the numbers differ. */
  'refuse-link': { in: null; out: null };
  /** Either side; a bare device is bare again. Puts away what `done` or `failed` showed, too. */
  'cancel-link': { in: null; out: null };
  'name-device': { in: { name: string }; out: null };
  /**
   * This device takes back its requests to join, ends itself in every group and wipes itself, once what waits is sent. Faults `needs-network`; `unsent` where words would be
   * lost, begun ones and those of groups that ended too, unless `discard.words`; `not-allowed` where nothing would bring a group back, unless `discard.groups`.
   */
  'sign-out': { in: { discard: { words: boolean; groups: boolean } }; out: null };
  /** “Lost this device”: ended at once in every group that can be reached, and in the others by itself as soon as they can. */
  'revoke-device': { in: { device: DeviceId }; out: null };
  /** Back to the first run: after `signed-out`, or, where the passphrase was `forgotten`, from `locked`, with all that is sealed here deleted. */
  'start-over': { in: { forgotten: boolean }; out: null };

  /** `carry`: a group of this person's that ended in a fork; its history is taken along. */
  'new-group': { in: { name: string; kind: GroupKind; carry?: GroupRef }; out: { group: GroupRef } };
  /** No more of it is taken along; what was sent stays. */
  'stop-carrying': { in: { group: GroupRef }; out: null };
  /** Fetches what was brought along to the group, checks it, and keeps it as a group for reading alone. Faults `bad-history`, `outdated`, `needs-network`, and `unavailable` while it is not all there. */
  'read-history': { in: { group: GroupRef }; out: { group: GroupRef } };
  'rename-group': { in: { group: GroupRef; name: string }; out: null };
  /** Keeps the code of a permit, and begins the group with it, if the relay is there; faults `bad-permit` when it was mistyped, `permit-unknown`, `permit-spent`, `permit-ended`. Null: for the next group. */
  'use-permit': { in: { group: GroupRef | null; code: string }; out: { begun: boolean } };
  /** Drops the local copy of a group that has ended, or that the relay did not begin. Fault `carrying` while its history is being taken along. */
  'forget-group': { in: { group: GroupRef }; out: null };

  /** Posts the words given and the photos of the draft; empties the draft. */
  post: { in: { group: GroupRef; text: string; photos: readonly PhotoId[]; replyTo: PostId | null }; out: { post: PostId } };
  /** Within the few seconds: takes a post back into the draft. */
  'undo-post': { in: { group: GroupRef; post: PostId }; out: null };
  /** Says other words in an own post's place; what was kept of them is forgotten. */
  edit: { in: { group: GroupRef; post: PostId; text: string }; out: null };
  retract: { in: { group: GroupRef; post: PostId }; out: null };
  /** Keeps what was typed; without `editing` that stays as it is. Fault `too-large` when it is longer than a draft may be: what was kept before stays. */
  'save-draft': { in: { group: GroupRef; text: string; replyTo: PostId | null; editing?: EditingView | null }; out: null };
  /** Adds an encoded photo to the draft. */
  'add-photo': { in: { group: GroupRef; photo: EncodedPhoto }; out: PhotoView };
  'drop-photo': { in: { group: GroupRef; photo: PhotoId }; out: null };
  /** Bytes to show, fetched from the relay when they are not here. */
  photo: { in: { group: GroupRef; photo: PhotoId; size: 'thumb' | 'full' }; out: { bytes: Uint8Array<ArrayBuffer>; type: string } };
  older: { in: { group: GroupRef }; out: null };
  /** These posts were on the screen of an unlocked, visible page; `changes`: of those whose words a change had brought, which. */
  seen: { in: { group: GroupRef; posts: readonly PostId[]; changes?: Readonly<Record<PostId, string>> }; out: null };

  /** `open`: whoever has the link comes in by itself, once. */
  invite: { in: { group: GroupRef; history: History; days: number; relationship: string; open?: boolean }; out: { invite: InviteId; link: string } };
  'revoke-invite': { in: { group: GroupRef; invite: InviteId }; out: null };
  'let-in': { in: { group: GroupRef; request: RequestId }; out: null };
  refuse: { in: { group: GroupRef; request: RequestId }; out: null };
  remove: { in: { group: GroupRef; member: MemberId }; out: null };
  'offer-owner': { in: { group: GroupRef; member: MemberId }; out: null };
  'withdraw-offer': { in: { group: GroupRef }; out: null };
  'accept-owner': { in: { group: GroupRef }; out: null };
  /** All roles that a person has from now on; by the owner. */
  'set-roles': { in: { group: GroupRef; member: MemberId; roles: PersonRoles }; out: null };
  /** By the successor: asks to take over, in everybody's view. */
  'claim-owner': { in: { group: GroupRef }; out: null };
  /** For the owner: what is here of a person's words is shown, though the relay lost the end of them. It takes nothing away. */
  'go-without': { in: { group: GroupRef; member: MemberId }; out: null };
  /** By the successor or the owner: the claim is off. */
  'drop-claim': { in: { group: GroupRef }; out: null };
  /** By the successor, once the wait is over. */
  'accept-claim': { in: { group: GroupRef }; out: null };
  /** `unsent`: words that wait may stay so; without it they are minded first. */
  leave: { in: { group: GroupRef; unsent?: boolean }; out: null };
  /** By the owner: the group ends for everyone when the grace is over. */
  'end-group': { in: { group: GroupRef }; out: null };
  /** By the owner, within the grace: the end is called off. */
  'keep-group': { in: { group: GroupRef }; out: null };

  /** What the browser has to subscribe under so that this group's relay can push to it. `no-doorbell`: it pushes to nobody. */
  'bell-key': { in: { group: GroupRef }; out: { key: Uint8Array<ArrayBuffer> } };
  /** This device wants to be told of what is new in the group, at the place that its browser's subscription names; null: no longer. */
  'set-bell': { in: { group: GroupRef; place: string | null }; out: null };
  /** The browser's subscription is another one now, for all groups that ring; null: there is none any more. */
  'move-bell': { in: { place: string | null }; out: null };

  /** The safety number of this person and that member: 60 digits, the same on both sides. Takes about a second. */
  'compare-person': { in: { group: GroupRef; member: MemberId }; out: { number: string } };
  /** The number was compared and is the same. Faults `not-allowed` when it is not that member's number. */
  'verify-person': { in: { group: GroupRef; member: MemberId; number: string }; out: null };
  'unverify-person': { in: { group: GroupRef; member: MemberId }; out: null };

  /** What a clinician hands to their organisation: a text for a file, a letter or a picture, and 30 digits by which it is known again. Takes about a second. */
  'ask-organisation': { in: null; out: { text: string; number: string } };
  /** What a credential says, before it is added. Faults `bad-credential`, `not-yours`, `ended`. */
  'read-credential': { in: { text: string }; out: CredentialView };
  /** From now on everyone in this person's groups sees it. Takes the place of an older one of the same organisation; the same faults, and `too-many`. */
  'add-credential': { in: { text: string }; out: null };
  'drop-credential': { in: { organisation: OrganisationId }; out: null };
  /** An organisation's name and the 30 digits to compare, from its own text or as it vouches for a member. Fault `bad-organisation`. Takes about a second. */
  'read-organisation': { in: { text: string } | { group: GroupRef; member: MemberId; organisation: OrganisationId }; out: { organisation: OrganisationId; name: string; number: string } };
  /** The digits of an organisation that was read since unlocking were compared, and are the same. */
  'trust-organisation': { in: { organisation: OrganisationId; number: string }; out: null };
  'distrust-organisation': { in: { organisation: OrganisationId }; out: null };

  /** Reads an invite link (the fragment, with or without `#`); works before the network does. */
  'open-link': { in: { fragment: string }; out: { join: JoinId } };
  ask: { in: { join: JoinId }; out: null };
  /** `group`: the one that let this device in before the request could be taken back; null when nothing is left of it. */
  'cancel-join': { in: { join: JoinId }; out: { group: GroupRef | null } };

  /** The page became visible, or the network came back: try at once. */
  wake: { in: null; out: null };
  /** Answer of `navigator.storage.persist()`. */
  persisted: { in: { granted: boolean }; out: null };
}
export type CommandName = keyof Commands;

/** Why a command did not happen. The page has words for each; none carries user data. */
export type Fault =
  | 'wrong-passphrase' | 'unknown-passkey' | 'wrong-phrase' | 'phrase-begun' | 'too-soon' | 'weak-passphrase' | 'locked' | 'not-writer'
  | 'outdated' | 'needs-network' | 'not-allowed' | 'empty' | 'changed-meanwhile' | 'group-ended' | 'not-found'
  | 'too-large' | 'not-an-image' | 'storage-full' | 'storage-lost' | 'storage-damaged' | 'too-late' | 'too-many' | 'unsent'
  | 'bad-link' | 'invite-used' | 'invite-expired' | 'invite-revoked' | 'bad-credential' | 'not-yours' | 'ended' | 'bad-organisation' | 'refused-by-relay' | 'restoring' | 'unavailable' | 'no-doorbell' | 'bad-push'
  | 'needs-permit' | 'bad-permit' | 'permit-unknown' | 'permit-spent' | 'permit-ended' | 'bad-history' | 'carrying' | 'internal';

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

/** Page to worker. */
export type Down =
  | { readonly [K in CommandName]: { readonly is: 'command'; readonly id: number; readonly name: K; readonly input: Commands[K]['in'] } }[CommandName]
  | { readonly is: 'watch'; readonly name: ViewName; readonly key: string | null }
  | { readonly is: 'unwatch'; readonly name: ViewName; readonly key: string | null };
/** Worker to page. */
export type Up =
  | { readonly is: 'outcome'; readonly id: number; readonly outcome: Outcome<unknown> }
  | { readonly [V in ViewName]: { readonly is: 'view'; readonly name: V; readonly key: Views[V]['key']; readonly view: Views[V]['view'] } }[ViewName];

/** What the page holds of the core. Implemented over a worker in `state/`. */
export interface CoreClient {
  /** Runs a command; never throws. */
  run<K extends CommandName>(name: K, input: Commands[K]['in']): Promise<Outcome<Commands[K]['out']>>;
  /** Watches a view; the returned function stops it. */
  watch<V extends ViewName>(name: V, key: Views[V]['key'], show: (view: Views[V]['view']) => void): () => void;
}
