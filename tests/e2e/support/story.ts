/** What people do, in the words they hear: every step finds its button or field by accessible name, as a screen reader would. */
import { expect, type Locator, type Page } from '@playwright/test';

export interface Person {
  readonly name: string;
  readonly role: 'Clinician' | 'Patient' | 'Family or friend';
  readonly passphrase: string;
}
export type Kind = 'Team' | 'Across teams' | 'Family' | 'One to one';

export const OLIVIA: Person = { name: 'Olivia Brandt', role: 'Clinician', passphrase: 'amber lantern quiet harbour' };
export const PAT: Person = { name: 'Pat Moreno', role: 'Patient', passphrase: 'violet kettle morning bridge' };
export const FAY: Person = { name: 'Fay Moreno', role: 'Family or friend', passphrase: 'copper window gentle orchard' };

const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true }).filter({ visible: true }).first();

/** First run on a new device: from “Welcome to Carefold” to what comes after it. */
export async function setUp(page: Page, person: Person): Promise<void> {
  await expect(page.getByRole('heading', { name: 'Welcome to Carefold' })).toBeVisible();
  await page.getByLabel('Your name').fill(person.name);
  await page.getByRole('radio', { name: person.role, exact: true }).check({ force: true });
  await page.getByLabel('Passphrase', { exact: true }).fill(person.passphrase);
  await page.getByLabel('Repeat passphrase').fill(person.passphrase);
  await button(page, 'Create').click();
  await expect(page.getByRole('heading', { name: 'Welcome to Carefold' })).toBeHidden({ timeout: 30_000 });
}

export async function unlock(page: Page, person: Person): Promise<void> {
  await page.getByLabel('Passphrase', { exact: true }).fill(person.passphrase);
  await button(page, 'Unlock').click();
  await expect(button(page, 'Unlock')).toBeHidden({ timeout: 30_000 });
}

export async function newGroup(page: Page, name: string, kind: Kind): Promise<void> {
  await button(page, 'New group').click();
  await putOff(page, page.getByLabel('Group name'));
  await page.getByRole('radio', { name: kind, exact: true }).check({ force: true });
  await page.getByLabel('Group name').fill(name);
  await button(page, 'Create group').click();
  await expect(page.getByLabel('Write an update')).toBeVisible();
}

/** Puts the recovery phrase off where the app asks for it before somebody owns a group; `next`: what comes then, or at once. */
export async function putOff(page: Page, next: Locator): Promise<void> {
  const ask = page.getByRole('dialog', { name: 'First, a way back' });
  await expect(ask.or(next).first()).toBeVisible();
  if (await ask.isVisible()) await ask.getByRole('button', { name: /^(Later|Accept without a recovery phrase)$/ }).click();
}

/** Takes the thirteen words down where the app asks for it, gives back those it checks, and returns all; a test may look at each screen. */
export async function writeDown(page: Page, look: { readonly atWords?: (words: readonly string[]) => Promise<void>; readonly atCheck?: () => Promise<void> } = {}): Promise<string[]> {
  await button(page, 'Write them down now').click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('listitem')).toHaveCount(13);
  const words = (await dialog.getByRole('listitem').allInnerTexts()).map((w) => w.replace(/[^a-z]/gi, ''));
  expect(words).toHaveLength(13);
  await look.atWords?.(words);
  await dialog.getByRole('button', { name: 'I wrote them down' }).click();
  for (const field of await dialog.getByRole('textbox').all()) {
    const number = Number(((await field.getAttribute('aria-label')) ?? (await field.evaluate((f: HTMLInputElement) => f.labels?.[0]?.textContent ?? ''))).replace(/\D/g, ''));
    await field.fill(words[number - 1] as string);
  }
  await look.atCheck?.();
  await dialog.getByRole('button', { name: 'Keep this phrase' }).click();
  await dialog.getByRole('button', { name: 'Done' }).click();
  return words;
}

export async function openGroup(page: Page, name: string): Promise<void> {
  await page
    .getByRole('link', { name: new RegExp(name) })
    .first()
    .click();
  await expect(page.getByRole('heading', { name })).toBeVisible();
}

export async function post(page: Page, words: string): Promise<void> {
  await page.getByLabel('Write an update').fill(words);
  await button(page, 'Post').click();
  await expect(postOf(page, words)).toBeVisible();
}

/** The post that contains these words. */
export const postOf = (page: Page, words: string): Locator => page.getByRole('article').filter({ hasText: words }).first();

/** Waits until a post of one's own says so: “Saved here”, “Sent”, “Seen by 1 of 2”. */
export const expectState = (page: Page, words: string, state: string | RegExp): Promise<void> =>
  expect(postOf(page, words)).toContainText(state, { timeout: 30_000 });

/** Makes an invite and gives back its link, as “Copy link” would put it on the clipboard. */
export async function invite(page: Page, history: 'From the start' | 'From today', relationship = ''): Promise<string> {
  await button(page, 'Invite').click();
  await page.getByRole('radio', { name: history, exact: true }).check({ force: true });
  if (relationship) await page.getByLabel('Who are they to the patient?', { exact: true }).fill(relationship);
  await button(page, 'Copy link').click();
  const link = await page.getByRole('dialog').getByLabel('Invite link').inputValue();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await button(page, 'Done').click();
  return link;
}

/** Opens a link on a device that is set up, asks to join, and gives back the 12 digits it shows. */
export async function askToJoin(page: Page): Promise<string> {
  await button(page, 'Ask to join').click();
  return numberOn(page);
}

const NUMBER = /(\d{4}\s){2}\d{4}/;

/** The 12 digits on the screen, without their spaces. */
export async function numberOn(page: Page): Promise<string> {
  const digits = page.getByText(NUMBER).first();
  await expect(digits).toBeVisible({ timeout: 30_000 });
  return (await digits.innerText()).replace(/\D/g, '');
}

/** The card of someone who asks to join, on the owner's screen; on a phone it stands behind “See who”. */
export async function requestOf(page: Page, name: string): Promise<Locator> {
  const card = page.getByRole('article', { name: `${name} asks to join` });
  const behind = page.getByRole('link', { name: 'See who' });
  await expect(card.or(behind).filter({ visible: true }).first()).toBeVisible({ timeout: 30_000 });
  if (!(await card.isVisible())) await behind.click();
  await expect(card).toBeVisible();
  return card;
}

/** Lets the person in who asks under this name, after the owner sees the same number. */
export async function letIn(page: Page, name: string, number: string): Promise<void> {
  const card = await requestOf(page, name);
  expect((await card.getByText(NUMBER).innerText()).replace(/\D/g, '')).toBe(number);
  await card.getByRole('button', { name: 'Let in' }).click();
}

/** “Updates” or “People” of the open group. */
export async function to(page: Page, tab: 'Updates' | 'People'): Promise<void> {
  await page.getByRole('navigation', { name: 'Parts of this group' }).getByRole('link', { name: tab }).click();
  await expect(page).toHaveURL(tab === 'People' ? /\/people$/ : /\/group\/[^/]+$/);
}

/** Opens what is known about a person, under “People”. */
export async function openPerson(page: Page, name: string): Promise<void> {
  await to(page, 'People');
  await expect(page.getByRole('main').getByRole('heading', { name: /^Who reads here/ })).toBeVisible();
  const row = page.getByRole('main').getByRole('listitem').filter({ hasText: name }).getByRole('button').first();
  if ((await row.getAttribute('aria-expanded')) === 'false') await row.click();
}

export async function handOver(page: Page, name: string): Promise<void> {
  await openPerson(page, name);
  await button(page, 'Hand over ownership').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Hand over ownership' }).click();
}

/** `asked`: the app has to ask for the recovery phrase first, since this person has none. */
export async function acceptOwnership(page: Page, asked = false): Promise<void> {
  await button(page, 'Accept ownership').click({ timeout: 30_000 });
  if (asked) await expect(page.getByRole('dialog', { name: 'First, a way back' })).toBeVisible();
  await putOff(page, page.getByText('You own this group').first());
  await expect(button(page, 'Accept ownership')).toBeHidden();
}

export async function remove(page: Page, name: string): Promise<void> {
  await openPerson(page, name);
  await button(page, 'Remove').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByRole('dialog')).toBeHidden();
}
