/** A group of three whose devices run the real core against a real relay in virtual time, and a door for one more from outside. */
import type { Bytes } from '../../../crypto/brand';
import { cast, type Seat } from '../../support/circle';
import { HOST, type World } from '../../support/world';
import { POSTS, textsOf } from './posts';

/** Posts written before they are sent together. */
const TOGETHER = 10;

export interface Door {
  receive(frame: Bytes): void;
  close(): void;
}
export interface LongLived {
  readonly world: World;
  readonly owner: Seat;
  /** A connection to the relay. */
  connect(send: (frame: Bytes) => void): Door;
  /** Time goes on by itself until stopped. */
  live(): () => void;
  /** The fragment of a link for one more, who may read from the start. */
  invite(): Promise<string>;
}

export async function longLivedGroup(): Promise<LongLived> {
  const { world, olivia, pat, fay } = await cast(3);
  const writers = [olivia, pat, fay];
  for (const w of writers) w.device.core?.take({ is: 'unwatch', name: 'feed', key: w.group });
  const texts = textsOf();
  for (let i = 0; i < POSTS; i += TOGETHER * writers.length) {
    for (const [j, w] of writers.entries()) for (const text of texts.slice(i + j * TOGETHER, i + (j + 1) * TOGETHER)) await post(w, text);
    await world.time.pass(6_000);
  }
  return {
    world,
    owner: olivia,
    connect: (send) => world.relay.connect(send, HOST),
    async invite() {
      const { link } = await olivia.device.must('invite', { group: olivia.group, history: 'start', days: 3, relationship: 'Friend' });
      return new URL(link).hash;
    },
    live() {
      let on = true;
      void (async () => {
        while (on) {
          await world.time.pass(20);
          await new Promise((done) => setTimeout(done, 5));
        }
      })();
      return () => void (on = false);
    }
  };
}

async function post(w: Seat, text: string): Promise<void> {
  const outcome = await w.post(text);
  if (!outcome.ok) throw new Error(`not posted: ${outcome.fault}`);
}

/** Lets in whoever asks under this name. */
export async function admitted({ owner }: LongLived, name: string): Promise<void> {
  for (;;) {
    const request = owner.view.requests.find((r) => r.name === name);
    if (request !== undefined) return void (await owner.device.must('let-in', { group: owner.group, request: request.request }));
    await new Promise((done) => setTimeout(done, 20));
  }
}
