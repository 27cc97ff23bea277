/** The only place that may turn a string into a script address (the Trusted Types policy `carefold-url` of svelte.config.js). */

interface ScriptPolicy {
  createScriptURL(address: string): string;
}
interface PolicyFactory {
  createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy;
}

/** Our own origin or nothing: a worker's script never comes from elsewhere. */
function ownOrigin(address: string): string {
  const url = new URL(address, location.origin);
  if (url.origin !== location.origin) throw new TypeError('a script must come from our own origin');
  return url.href;
}

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
const policy: ScriptPolicy = factory?.createPolicy('carefold-url', { createScriptURL: ownOrigin }) ?? { createScriptURL: ownOrigin };

/** The address of a worker or service worker of ours, in the form the browser demands; throws for a foreign origin. */
export const scriptUrl = (address: string): string => policy.createScriptURL(address);
