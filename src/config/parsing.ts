// How a configuration is put through its schema.

/**
 * zod would make code for each object of the schema, which takes longer than the few parses of a gateway's life; the
 * difference at 500 upstreams is within the noise.
 */
export const UNCOMPILED = { jitless: true } as const;
