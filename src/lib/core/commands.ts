/** What a person can do: each command checks, acts, and answers with a value or a fault. */
import { credentialCommands } from './commands-credentials';
import { bellCommands } from './commands-bell';
import { deviceCommands } from './commands-device';
import { feedCommands } from './commands-feed';
import { groupCommands } from './commands-group';
import { ownDeviceCommands } from './commands-devices';
import { joinCommands } from './commands-join';
import { peopleCommands } from './commands-people';
import type { Handlers } from './commands-kit';
import type { Core } from './core';

export const commands = (core: Core): Handlers => ({ ...deviceCommands(core), ...groupCommands(core), ...feedCommands(core), ...joinCommands(core), ...ownDeviceCommands(core), ...peopleCommands(core), ...credentialCommands(core), ...bellCommands(core) });
