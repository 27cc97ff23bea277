import { expect, it } from 'vitest';
import { isNumbered } from '$lib/state/passkey';

it.each([['127.0.0.1', true], ['192.168.0.7', true], ['[::1]', true], ['localhost', false], ['care.example.org', false], ['4b.ward.test', false]])('%s is a number instead of a name: %s', (host, numbered) => {
  expect(isNumbered(host)).toBe(numbered);
});
