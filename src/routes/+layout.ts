// Everything is decrypted on the device: there is nothing a server could render.
export const ssr = false;
export const prerender = false;
