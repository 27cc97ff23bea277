/** Commands about a person's several devices: linking one, naming it, signing out, putting a lost one out. */
import { type Handlers, no } from './commands-kit';
import type { Core } from './core';

type Name =
  | 'begin-link' | 'read-code' | 'approve-link' | 'refuse-link' | 'cancel-link' | 'name-device' | 'sign-out' | 'revoke-device' | 'replace-phrase' | 'start-over';

export function ownDeviceCommands(_core: Core): Pick<Handlers, Name> {
  const notYet = () => Promise.resolve(no('unavailable'));
  return {
    'begin-link': notYet, 'read-code': notYet, 'approve-link': notYet, 'refuse-link': notYet, 'cancel-link': notYet, 'name-device': notYet,
    'sign-out': notYet, 'revoke-device': notYet, 'replace-phrase': notYet, 'start-over': notYet
  };
}
