import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bytes } from '$crypto/brand';
import { fetchCarrier } from '$lib/core/blobs';
import type { Later } from '$lib/sync/ports';

/** Answers as the group's name says, `<status> <words>`; what is `held` is answered by the test. */
let server: Server;
let origin: string;
let held: (r: ServerResponse) => void = () => undefined;
beforeAll(async () => {
  server = createServer((request, response) => {
    const [status, words] = decodeURIComponent(request.url?.split('/')[3] ?? '').split(/ (.*)/s);
    request.resume().on('end', () => (status === 'held' ? held(response) : response.writeHead(Number(status)).end(words)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((done) => server.close(done)));

/** Time stands still until `pass` says that all that was waited for is over. */
function still() {
  const waits = new Map<() => void, number>();
  const later: Later = (ms, what) => {
    waits.set(what, ms);
    return () => waits.delete(what);
  };
  return { later, waits, pass: () => [...waits.keys()].forEach((what) => what()), carrier: fetchCarrier(origin, later) };
}
const heldOne = (): Promise<ServerResponse> => new Promise((done) => (held = done));

it('an attachment that is not taken is known to be denied, of a group that is full, or of a relay that is', async () => {
  const { later, waits } = still();
  const put = (answer: string): Promise<string> => fetchCarrier(origin, later).put(encodeURIComponent(answer), 'id', 'bearer', new Uint8Array(9) as Bytes);
  const answers = ['201 kept', '200 there already', '403 not allowed', '507 the group is full', '507 the relay is full', '507', '503 unavailable', '429 too many at once'];
  expect(await Promise.all(answers.map(put))).toEqual(['stored', 'stored', 'denied', 'full', 'relay-full', 'full', 'refused', 'refused']);
  expect(await fetchCarrier('http://127.0.0.1:9', later).put('x', 'id', 'bearer', new Uint8Array(9) as Bytes)).toBe('offline');
  expect(waits.size).toBe(0);
});

it('an upload that hangs is given up, but not before a slow line would have carried it', async () => {
  for (const size of [9, 5_000_000]) {
    const { waits, pass, carrier } = still();
    const there = heldOne();
    const put = carrier.put('held', 'id', 'bearer', new Uint8Array(size) as Bytes);
    await there;
    expect([...waits.values()].every((ms) => ms > 30_000 + (1_000 * size) / 4096)).toBe(true);
    pass();
    expect(await put).toBe('offline');
  }
});

it('one that was given up has twice as long the next time, since others may share its line, until it is there', async () => {
  const { waits, pass, carrier } = still();
  const all: number[] = [];
  const once = async (): Promise<void> => {
    const there = heldOne();
    const put = carrier.put('held', 'id', 'bearer', new Uint8Array(9) as Bytes);
    const response = await there;
    const [ms = 0] = waits.values();
    if (all.length < 3) pass();
    else response.writeHead(201).end();
    all.push(ms);
    await put;
    waits.clear();
  };
  for (let n = 0; n < 5; n++) await once();
  const [first = 0] = all;
  expect(all.map((ms) => ms / first)).toEqual([1, 2, 4, 8, 1]);
});

it('a download is given up once nothing more of it comes, and not while something does', async () => {
  const { waits, pass, carrier } = still();
  const [there, get] = [heldOne(), carrier.get('held', 'id', 'bearer')];
  const response = await there;
  const first = [...waits.keys()];
  response.writeHead(200).write('half');
  // what was waited for before it came is called off
  await expect.poll(() => first.some((what) => waits.has(what))).toBe(false);
  expect(waits.size).toBe(1);
  response.end(' and half');
  expect(Buffer.from((await get) as Bytes).toString()).toBe('half and half');
  expect(waits.size).toBe(0);

  const [again, lost] = [heldOne(), carrier.get('held', 'id', 'bearer')];
  (await again).writeHead(200).write('half');
  await expect.poll(() => waits.size).toBe(1);
  pass();
  expect(await lost).toBe('offline');
});
