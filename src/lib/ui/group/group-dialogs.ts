/** The dialogs of a group as a whole; one at a time. */
export type GroupDialogs = 'invite' | 'rename' | 'bell' | 'keys' | 'leave' | 'forget' | 'end';
