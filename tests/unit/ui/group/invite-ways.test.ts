import { describe, expect, it } from 'vitest';
import { mailAddress, smsAddress } from '$lib/ui/group/invite-ways';

const words = 'Open this link: https://care.example/join#a&b=c d';

describe('the ways an invite leaves', () => {
  it('carry the whole link, fragment and all, into the message', () => {
    expect(new URLSearchParams(smsAddress(words).replace(/^sms:\?&/, '')).get('body')).toBe(words);
    const mail = new URL(mailAddress('An invitation', words));
    expect([mail.searchParams.get('subject'), mail.searchParams.get('body')]).toEqual(['An invitation', words]);
  });

  it('name no number and no address: the person chooses to whom', () => {
    expect(smsAddress(words)).toMatch(/^sms:\?/);
    expect(mailAddress('An invitation', words)).toMatch(/^mailto:\?/);
  });
});
