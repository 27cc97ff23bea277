/** Settings, from the environment and before it from a file (CAREFOLD_CONFIG, JSON), or one worded fault. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { err, ok, type Result } from '../crypto/result';
import { isProxy } from './doors';
import { isNats, wayIn } from './hints-nats';
import { RATE } from './limits';
import { isPushService } from './places';

export interface Config {
  readonly port: number;
  readonly host: string;
  readonly folder: string;
  /** Folder of the built app. */
  readonly app: string;
  readonly publicUrl: string | null;
  readonly origins: readonly string[];
  /** Frames a second that a connection may sustain; 0 = no limit. */
  readonly pace: number;
  /** Connections from one address; 0 = no limit. */
  readonly from: number;
  /** Proxies on other computers, whose word counts for the address that somebody comes from. */
  readonly proxies: readonly string[];
  readonly log: 'text' | 'json';
  /** Seconds over which devices are sent away when the relay ends. */
  readonly drain: number;
  /** Where figures are shown; nowhere when null. */
  readonly metrics: string | null;
  readonly postgres: string | null;
  readonly nats: readonly string[];
  readonly s3: string | null;
  readonly s3Key: string | null;
  readonly s3Secret: string | null;
  readonly s3Region: string;
  /** Whom a push service may write to; without it there is no doorbell. */
  readonly contact: string | null;
  /** Push services beyond those that are known. */
  readonly push: readonly string[];
  /** Seconds within which a push leaves. */
  readonly pushWithin: number;
  /** Who may begin groups here: everybody, or whoever shows a permit. */
  readonly groups: 'open' | 'permit';
}

type Env = Readonly<Record<string, string | undefined>>;

const PORTS = 65535;
const number = (least: number, most = Number.MAX_SAFE_INTEGER) => v.pipe(v.unknown(), v.check((x) => typeof x === 'number' || (typeof x === 'string' && /^\d+$/.test(x))), v.transform(Number), v.integer(), v.minValue(least), v.maxValue(most));
const isAddress = (protocol: RegExp) => (s: string): boolean => URL.canParse(s) && protocol.test(new URL(s).protocol);
const text = v.pipe(v.unknown(), v.string());
const address = (protocol: RegExp) => v.pipe(text, v.check(isAddress(protocol)));
/** Several, separated by spaces or commas, or a list. */
const list = (each: (s: string) => boolean) => v.pipe(v.unknown(), v.union([v.pipe(v.string(), v.transform((s) => s.split(/[\s,]+/).filter(Boolean))), v.array(v.string())]), v.check((all) => all.every(each)));
const listener = v.pipe(text, v.regex(/^(?:[^\s:]+|\[[0-9a-f:]+\]):\d{1,5}$/i), v.check((s) => Number(/\d+$/.exec(s)?.[0]) <= PORTS));
const words = v.pipe(text, v.minLength(1));

/** Each setting: its name in the environment, what it must be, and what it is when nobody says. */
const SETTINGS = {
  port: ['PORT', number(0, PORTS), 'a number from 0 to 65535', 8787],
  host: ['HOST', words, 'an address to listen on', '127.0.0.1'],
  folder: ['CAREFOLD_DATA', v.pipe(words, v.transform((s) => resolve(s))), 'a folder', resolve('./data')],
  app: ['CAREFOLD_STATIC', words, 'a folder', './build'],
  publicUrl: ['CAREFOLD_PUBLIC', address(/^https?:$/), 'an address like https://care.example.org', null],
  origins: ['CAREFOLD_ORIGIN', list((o) => URL.canParse(o) && new URL(o).origin === o), 'origins like https://app.example.org', []],
  pace: ['CAREFOLD_PACE', number(0), 'a number of frames a second, or 0', RATE.framesPerSecond],
  from: ['CAREFOLD_FROM', number(0), 'a number of connections, or 0', RATE.from],
  proxies: ['CAREFOLD_PROXIES', list(isProxy), 'addresses or networks like 10.0.0.5, 10.1.0.0/16 or fd00:1::/64', []],
  log: ['CAREFOLD_LOG', v.pipe(v.unknown(), v.picklist(['text', 'json'])), 'text or json', 'text'],
  drain: ['CAREFOLD_DRAIN', number(0, 600), 'a number of seconds up to 600', 0],
  metrics: ['CAREFOLD_METRICS', listener, 'an address and a port like 127.0.0.1:9464', null],
  postgres: ['CAREFOLD_POSTGRES', address(/^postgres(ql)?:$/), 'an address like postgres://carefold@db.example.org/carefold', null],
  nats: ['CAREFOLD_NATS', list(isNats), 'addresses like nats://hints.example.org:4222 or tls://name:password@hints.example.org', []],
  s3: ['CAREFOLD_S3', address(/^https?:$/), 'a bucket’s address like https://s3.example.org/carefold', null],
  s3Key: ['CAREFOLD_S3_KEY', words, 'the bucket’s access key', null],
  s3Secret: ['CAREFOLD_S3_SECRET', words, 'the bucket’s secret key', null],
  s3Region: ['CAREFOLD_S3_REGION', words, 'a region like us-east-1', 'us-east-1'],
  contact: ['CAREFOLD_CONTACT', address(/^(mailto|https):$/), 'an address like mailto:operator@example.org', null],
  push: ['CAREFOLD_PUSH', list(isPushService), 'push services like push.example.org, *.example.org or https://10.0.0.5:8443', []],
  pushWithin: ['CAREFOLD_PUSH_WITHIN', number(0, 3600), 'a number of seconds up to 3600', 120],
  groups: ['CAREFOLD_GROUPS', v.pipe(v.unknown(), v.picklist(['open', 'permit'])), 'open or permit', 'open']
} as const satisfies { readonly [K in keyof Config]: readonly [env: string, schema: v.GenericSchema<unknown, NonNullable<Config[K]>>, must: string, otherwise: Config[K]] };
type Name = keyof Config;
/** What else may stand in the environment: where the file is, and what the Caddyfile reads. */
const BESIDE: readonly string[] = ['CAREFOLD_CONFIG', 'CAREFOLD_HOST'];
/** What container runtimes say of services whose names begin so. */
const OF_SERVICES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

export function configOf(env: Env): Result<Config> {
  const said = (name: string): string | undefined => env[name]?.trim() || undefined;
  const known = new Set([...BESIDE, ...Object.values(SETTINGS).map(([name]) => name)]);
  const unknown = Object.keys(env).find((name) => name.startsWith('CAREFOLD_') && !known.has(name) && !OF_SERVICES.test(name) && said(name) !== undefined);
  if (unknown !== undefined) return err(`${unknown} is no setting.`);
  const path = said('CAREFOLD_CONFIG');
  const from = fileOf(path);
  if (!from.ok) return from;
  const found: Partial<Record<Name, unknown>> = {};
  const given = new Set<Name>();
  for (const name of Object.keys(SETTINGS) as Name[]) {
    const [inEnv, schema, must, otherwise] = SETTINGS[name];
    const value = said(inEnv) ?? from.value[name];
    const read = value === undefined ? null : v.safeParse(schema, value);
    if (read !== null && !read.success) return err(said(inEnv) === undefined ? `“${name}” in ${path} must be ${must}.` : `${inEnv} must be ${must}.`);
    if (read !== null) given.add(name);
    found[name] = read === null ? otherwise : read.output;
  }
  const c = found as Config;
  if (c.s3 !== null && (c.s3Key === null || c.s3Secret === null)) return err('CAREFOLD_S3 needs CAREFOLD_S3_KEY and CAREFOLD_S3_SECRET.');
  const way = (['s3Key', 's3Secret', 's3Region'] as const).find((name) => given.has(name));
  if (c.s3 === null && way !== undefined) return err(`${SETTINGS[way][0]} needs CAREFOLD_S3: without the bucket’s address attachments lie in the folder.`);
  if (c.postgres === null && c.nats.length > 0) return err('CAREFOLD_NATS needs CAREFOLD_POSTGRES: a relay alone has nobody to tell.');
  if (c.postgres !== null && c.s3 === null) return err('CAREFOLD_POSTGRES needs CAREFOLD_S3: every relay must reach the same attachments.');
  if (new Set(c.nats.map(wayIn)).size > 1) return err('CAREFOLD_NATS must name servers that all take the same name and password, and all TLS or none.');
  return ok(c);
}

function fileOf(path: string | undefined): Result<Readonly<Record<string, unknown>>> {
  if (!path) return ok({});
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return err(`CAREFOLD_CONFIG names ${path}, which cannot be read.`);
  }
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return err(`${path} must hold one JSON object.`);
    const unknown = Object.keys(found).find((name) => !(name in SETTINGS));
    return unknown === undefined ? ok(found as Record<string, unknown>) : err(`“${unknown}” in ${path} is no setting.`);
  } catch {
    return err(`${path} is not JSON.`);
  }
}
