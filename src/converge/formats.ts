// The formats that are checked. Lenient on purpose: `format` is an annotation in 2020-12, and an upstream that takes a
// date without a time zone shall get it; what is plainly something else is told. Every pattern is linear.

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const TIME = /^([01]\d|2[0-4]):[0-5]\d(:[0-6]\d([.,]\d{1,12})?)?\s?([zZ]|[+-]\d{2}(:?\d{2})?)?$/;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s]*$/;

/** Formats by name, as ajv takes them; a format that is not here is not checked. */
export const FORMATS: Record<string, (text: string) => boolean> = {
  date: (text) => DATE.test(text),
  time: (text) => TIME.test(text),
  'date-time': (text) =>
    DATE.test(text.slice(0, 10)) &&
    (text.length === 10 || (/^[tT _]/.test(text.slice(10)) && TIME.test(text.slice(11)))),
  email: (text) => text.length <= 320 && /^[^\s@]+@[^\s@]+$/.test(text),
  uri: (text) => URI.test(text),
  url: (text) => URI.test(text),
  uuid: (text) => /^(urn:uuid:|\{)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$/i.test(text),
  ipv4: (text) => /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255),
  ipv6: (text) => text.length <= 64 && text.includes(':') && /^[0-9a-fA-F:.]+(%[\w.-]+)?$/.test(text),
};
