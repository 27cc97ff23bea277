import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bytes } from '$crypto/brand';
import { fetchCarrier } from '$lib/core/blobs';

/** Answers as the group's name says, `<status> <words>`. */
let server: Server;
let origin: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    const [status, words] = decodeURIComponent(request.url?.split('/')[3] ?? '').split(/ (.*)/s);
    request.resume().on('end', () => response.writeHead(Number(status)).end(words));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((done) => server.close(done)));

it('an attachment that is not taken is known to be denied, of a group that is full, or of a relay that is', async () => {
  const put = (answer: string): Promise<string> => fetchCarrier(origin).put(encodeURIComponent(answer), 'id', 'bearer', new Uint8Array(9) as Bytes);
  const answers = ['201 kept', '200 there already', '403 not allowed', '507 the group is full', '507 the relay is full', '507', '503 unavailable', '429 too many at once'];
  expect(await Promise.all(answers.map(put))).toEqual(['stored', 'stored', 'denied', 'full', 'relay-full', 'full', 'refused', 'refused']);
  expect(await fetchCarrier('http://127.0.0.1:9').put('x', 'id', 'bearer', new Uint8Array(9) as Bytes)).toBe('offline');
});
