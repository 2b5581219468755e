// Memory for messages of many megabytes. What `malloc` gives lies among everything else: once it is free, the process
// keeps all of it while a single small thing above it lives, so that a gateway could stay 20 MiB larger after one
// result of that size, or not, by chance (reliability figure 13).

/** From so many bytes on the rest of a message is kept in pages of its own. Below, mapping costs more than it gives. */
export const PAGED_FROM = 4 * 1024 * 1024;

const SIZE = 1024 * 1024;

/** A mebibyte that the system gets back as soon as it has been collected: V8 maps what could be resized by itself. */
export function pages(): Buffer {
  const options = { maxByteLength: SIZE };
  return Buffer.from(new (ArrayBuffer as new (size: number, options: object) => ArrayBuffer)(SIZE, options));
}
