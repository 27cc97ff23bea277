import { fileURLToPath } from 'node:url';
import { findChromium } from '../../chromium.mjs';
import { makeReady } from '../../../relay/tree.mjs';

/** The tests drive what `npm start` would serve: a build of these very sources. */
export default async function setup(): Promise<void> {
  if (!findChromium()) throw new Error('install the package “chromium”, or name a browser in CHROMIUM');
  const fault = await makeReady(fileURLToPath(new URL('../../..', import.meta.url)), () => undefined);
  if (fault) throw new Error(fault);
}
