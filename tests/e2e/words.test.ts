/** Words as they were meant: in their own direction, with what is known of who wrote them, and never an empty box in their place. */
import { expect, test, type Locator } from '@playwright/test';
import { gather, GROUP, type Circle } from './support/circle';
import { look } from './support/screens';
import { expectState, openPerson, PAT, post, postOf, to } from './support/story';

let circle: Circle;
test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => (circle = await gather()));
test.afterAll(() => circle.discard());

const ARABIC = 'خذ حبتين من Metformin 500 mg بعد الأكل.';
const directionOf = (words: Locator): Promise<string> => words.evaluate((e) => getComputedStyle(e).direction);

test('words in Arabic run from right to left wherever they stand, line by line', async () => {
  const [nurse, patient] = [circle.olivia.page(), circle.pat.page()];
  const area = nurse.getByLabel('Write an update');
  await area.fill(ARABIC);
  expect(await directionOf(area)).toBe('rtl');
  await post(nurse, `${ARABIC}\nTake two tablets.`);
  const words = postOf(patient, ARABIC).getByText(ARABIC);
  await expect(words).toBeVisible({ timeout: 30_000 });
  expect(await directionOf(words)).toBe('rtl');
  expect(await words.evaluate((e) => getComputedStyle(e).unicodeBidi)).toBe('plaintext');
  await expectState(nurse, ARABIC, 'Seen by 1 of 1');
  await postOf(patient, ARABIC).getByRole('button', { name: 'Reply' }).click();
  expect(await directionOf(patient.locator('form').getByText(ARABIC))).toBe('rtl');
  await post(patient, 'شكرا، فهمت 500 mg.');
  const quote = postOf(nurse, 'شكرا').getByRole('button', { name: /Metformin/ });
  await expect(quote).toBeVisible({ timeout: 30_000 });
  expect(await directionOf(quote.getByText(ARABIC))).toBe('rtl');
  await look(nurse, 'arabic');
  await patient.getByRole('link', { name: 'Back' }).click();
  const last = patient.getByRole('link', { name: new RegExp(GROUP) }).getByText('شكرا');
  expect(await directionOf(last)).toBe('rtl');
  await expect(patient.getByText('With Olivia')).toBeVisible();
  await look(patient, 'arabic-home');
  await patient.getByRole('link', { name: new RegExp(GROUP) }).click();
});

test('a clinician whom nobody vouches for says so at each update, and to who writes to them', async () => {
  const [nurse, patient] = [circle.olivia.page(), circle.pat.page()];
  await expect(postOf(patient, ARABIC).getByText('Says: clinician', { exact: true })).toBeVisible();
  await expect(patient.getByText('Only Olivia Brandt (says: clinician) will read this.')).toBeVisible();
  // to oneself it is no news
  await expect(postOf(nurse, ARABIC).getByText('Clinician', { exact: true })).toBeVisible();
  await expect(nurse.getByText('Only Pat Moreno (patient) will read this.')).toBeVisible();
  await patient.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
  await expect(patient.locator('.paper').getByText('Says: clinician', { exact: true }).first()).toBeAttached();
  await patient.evaluate(() => window.dispatchEvent(new Event('afterprint')));
  await look(patient, 'says-clinician');
});

test('an answer to an update that was taken back says that it was', async () => {
  const [nurse, patient] = [circle.olivia.page(), circle.pat.page()];
  await postOf(nurse, 'Take two tablets.').getByRole('button', { name: 'More for this update' }).click();
  await nurse.getByRole('menuitem', { name: 'Take back', exact: true }).click();
  await nurse.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await expect(postOf(patient, 'شكرا').getByRole('button', { name: /Olivia Brandt/ })).toContainText('Taken back', { timeout: 30_000 });
  await look(patient, 'answer-to-nothing');
});

test('who compared the number of a request is told which one is still to be compared', async () => {
  const nurse = circle.olivia.page();
  await expect(nurse.getByRole('main')).not.toContainText('New keys');
  await openPerson(nurse, PAT.name);
  await expect(nurse.getByRole('main')).toContainText('You have not compared the long number with Pat yet. The short one, for letting people in, is another.');
  await look(nurse, 'people-not-compared');
  await to(nurse, 'Updates');
});
