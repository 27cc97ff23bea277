/**
 * Read by Node before a relay starts: its process holds these words as long as it runs, at the end of a long text, and no source says them.
 * A search of its memory that does not find them has not seen all of it.
 */
globalThis[Symbol.for('held')] = Buffer.from(`${'.'.repeat(4096)}${process.env.HELD}`).toString();
