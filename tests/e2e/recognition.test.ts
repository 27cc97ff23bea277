/** Who is who: two people compare one number on two screens, and from then on know each other in every group. */
import { expect, test, type Page } from '@playwright/test';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderSVG } from 'uqr';
import { LAPTOP, openDevice, type Device } from './support/browser';
import { film } from './support/camera';
import { GROUP, keepApp, letJoin } from './support/circle';
import { openDesk } from './support/organisation';
import { startRelay } from './support/relay';
import { look } from './support/screens';
import { askToJoin, invite, letIn, newGroup, OLIVIA, openGroup, openPerson, PAT, setUp, to, unlock } from './support/story';

/** Opens the comparison with a person and gives its twelve groups of digits. */
async function compare(page: Page, name: string): Promise<string[]> {
  await openPerson(page, name);
  await page.getByRole('button', { name: 'Compare numbers' }).filter({ visible: true }).first().click();
  const fives = page.getByRole('list', { name: /^Number to compare with/ }).getByRole('listitem');
  await expect(fives).toHaveCount(12, { timeout: 30_000 });
  return fives.allInnerTexts();
}

/** The digits of a key on the screen. */
async function digits(page: Page, name: string | RegExp): Promise<string> {
  const fives = page.getByRole('list', { name }).getByRole('listitem');
  await expect(fives).toHaveCount(6, { timeout: 30_000 });
  return (await fives.allInnerTexts()).join('');
}

/** Puts another client in the place where the device keeps the app, one that draws another person key from the same seed, and starts it. */
async function startOther(device: Device, address: string): Promise<void> {
  await keepApp(device);
  const changed = await device.page().evaluate(async () => {
    let count = 0;
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const kept = request.url.includes('/workers/') ? await cache.match(request) : undefined;
        const code = await kept?.text();
        if (kept === undefined || code?.includes('person-sign/1') !== true) continue;
        await cache.put(request, new Response(code.replaceAll('person-sign/1', 'person-sign/2'), { headers: { 'Content-Type': kept.headers.get('Content-Type') ?? '' } }));
        count++;
      }
    }
    return count;
  });
  expect(changed).toBe(1);
  await device.page().goto(address);
}

test.setTimeout(300_000);

test('two people see one number, one films the other’s, and the mark counts in their next group too, until the key changes; a hospital vouches for the nurse', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'carefold-camera-'));
  const camera = join(folder, 'seen.y4m');
  const relay = await startRelay();
  const [olivia, pat] = await Promise.all([openDevice('Olivia', relay.url, { viewport: LAPTOP, camera }), openDevice('Pat', undefined, { camera })]);
  try {
    const [nurse, patient] = [olivia.page(), pat.page()];
    await setUp(nurse, OLIVIA);
    await newGroup(nurse, GROUP, 'Family');
    await letJoin(olivia, pat, PAT);
    const theirs = await compare(patient, OLIVIA.name);
    for (const five of theirs) expect(five).toMatch(/^\d{5}$/);
    await patient.getByRole('button', { name: 'Show as a picture' }).click();
    await look(patient, 'compare');
    await film(patient, { name: /The number as a picture/ }, camera);
    expect(await compare(nurse, PAT.name)).toEqual(theirs);
    await nurse.getByRole('button', { name: 'Scan with the camera' }).click();
    await expect(nurse.getByText('Pat is verified on this device')).toBeVisible({ timeout: 30_000 });
    await expect(nurse.getByRole('main').getByRole('listitem').filter({ hasText: PAT.name }).getByText('Verified', { exact: true })).toBeAttached();
    await look(nurse, 'people-verified');

    // a hospital answers the nurse's request, and the patient checks whether it is the hospital
    const anna = await openDesk(folder, 'St Anna Hospital');
    await nurse.getByRole('link', { name: 'Settings' }).click();
    await nurse.getByRole('button', { name: 'Ask your organisation' }).click();
    const number = await digits(nurse, 'Number of your request');
    await nurse.getByRole('button', { name: 'Copy as text' }).click();
    await look(nurse, 'vouch-ask');
    const request = await nurse.evaluate(() => navigator.clipboard.readText());
    await nurse.getByRole('button', { name: 'Close' }).last().click();
    await nurse.getByRole('button', { name: 'Add its answer' }).click();
    await nurse.locator('input[type=file]').setInputFiles(await anna.vouch(request, { name: OLIVIA.name, role: 'Ward nurse', number }));
    await nurse.getByRole('button', { name: 'Show it to my groups' }).click();
    await expect(nurse.getByText(`${OLIVIA.name}, Ward nurse. Valid until`)).toBeVisible();
    await patient.getByRole('dialog').getByRole('button', { name: 'Close' }).first().click();
    const hers = patient.getByRole('main').getByRole('listitem').filter({ hasText: OLIVIA.name }).first();
    await expect(hers).toContainText('Somebody signs as “St Anna Hospital”', { timeout: 30_000 });
    await expect(hers).toContainText('Says they are a clinician');
    await hers.getByRole('button', { name: 'Check St Anna Hospital' }).click();
    expect(await digits(patient, 'Number of St Anna Hospital')).toBe(anna.number);
    await look(patient, 'vouch-check');
    // somebody else's picture: nothing here can be taken for the same until the patient has looked again
    await mkdir(join(folder, 'other'));
    const other = await openDesk(join(folder, 'other'), 'St Anna Hospital');
    const poster = await olivia.context().newPage();
    await poster.setContent(renderSVG(await readFile(other.file, 'utf8')).replace('<svg', '<svg role="img" aria-label="Their picture"'));
    await film(poster, { name: 'Their picture' }, camera);
    await poster.close();
    await patient.getByRole('button', { name: 'Scan with the camera' }).click();
    await expect(patient.getByText('This is not the one who signs here')).toBeVisible({ timeout: 30_000 });
    await expect(patient.getByRole('button', { name: 'The number is the same' })).toHaveCount(0);
    await expect(patient.getByRole('button', { name: 'Scan with the camera' })).toHaveCount(0);
    await look(patient, 'vouch-differs');
    await patient.getByRole('button', { name: 'Look at them again' }).click();
    await patient.getByRole('button', { name: 'The number is the same' }).click();
    await expect(hers.getByText('Verified by St Anna Hospital')).toBeVisible();
    await expect(hers).not.toContainText('Says they are');
    await look(patient, 'people-vouched');

    await nurse.goto(relay.url);
    await unlock(nurse, OLIVIA);
    await newGroup(nurse, 'Night shift', 'Team');
    await patient.goto(await invite(nurse, 'From today'));
    await unlock(patient, PAT);
    await letIn(nurse, PAT.name, await askToJoin(patient));
    await expect(patient.getByLabel('Write an update')).toBeVisible({ timeout: 30_000 });
    await openPerson(nurse, PAT.name);
    const row = nurse.getByRole('main').getByRole('listitem').filter({ hasText: PAT.name });
    await expect(row.getByText('Verified', { exact: true })).toBeAttached({ timeout: 30_000 });
    await expect(row.getByText(`The same person as in ${GROUP}`)).toBeVisible();
    const agreed = nurse.getByText('Pat’s device and yours had the same history of this group');
    await expect(agreed).toBeVisible({ timeout: 30_000 });

    // Pat's device names another key: the mark is gone, and there is a way to make sure
    await startOther(pat, relay.url);
    await unlock(patient, PAT);
    const warning = nurse.getByRole('status').filter({ hasText: 'Pat shows another key than before' });
    await expect(warning).toContainText('It can also mean that somebody else writes in this name. Call, and compare numbers before you write anything private here.', { timeout: 30_000 });
    await expect(row.getByText('Verified', { exact: true })).toHaveCount(0);
    await expect(agreed).toHaveCount(0);
    await look(nurse, 'key-changed');
    await to(nurse, 'Updates');
    await expect(warning).toContainText('Call, and compare numbers before you write anything private here.');
    await warning.getByRole('link', { name: 'See who' }).click();
    await warning.getByRole('button', { name: 'Compare numbers' }).click();
    const fives = nurse.getByRole('list', { name: /^Number to compare with/ }).getByRole('listitem');
    await expect(fives).toHaveCount(12, { timeout: 30_000 });
    const now = await fives.allInnerTexts();
    expect(now).not.toEqual(theirs);
    await openGroup(patient, 'Night shift');
    expect(await compare(patient, OLIVIA.name)).toEqual(now);
    await nurse.getByRole('button', { name: 'They are different' }).click();
    await expect(nurse.getByRole('alert')).toContainText('Pat is not marked as verified.');
    await expect(nurse.getByRole('button', { name: 'They are the same' })).toHaveCount(0);
    await look(nurse, 'compare-different');
    await nurse.getByRole('button', { name: 'Look at them again' }).click();
    await nurse.getByRole('button', { name: 'They are the same' }).click();
    await expect(warning).toHaveCount(0);
    await expect(row.getByText('Verified', { exact: true })).toBeAttached();
    expect([...olivia.complaints(), ...pat.complaints()]).toEqual([]);
  } finally {
    await Promise.all([olivia.discard(), pat.discard()]);
    await relay.discard();
    await rm(folder, { recursive: true, force: true });
  }
});
