/** Read by Node before a relay starts: its clock is four days ahead. */
const now = Date.now.bind(Date);
Date.now = () => now() + 4 * 86_400_000;
