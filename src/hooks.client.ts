/** Runs before the router reads the address: the secret of an invite link never gets further than here. */
import { scrub } from '$lib/state/fragment';

scrub();
addEventListener('hashchange', scrub);
