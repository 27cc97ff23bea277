/** The app runs on the device alone: nothing is rendered anywhere else. */
export const ssr = false;
export const prerender = false;
export const trailingSlash = 'never';
