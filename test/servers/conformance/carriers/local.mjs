// The check against DNS rebinding: only a local Host, only a local Origin if there is one.

const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

/** @param {string} authority */
const isLocalAuthority = (authority) => {
  try {
    return LOCAL.has(new URL(`http://${authority}`).hostname);
  } catch {
    return false;
  }
};

/** @param {import('node:http').IncomingMessage} request */
export function isLocal({ headers: { host = '', origin } }) {
  return isLocalAuthority(host) && (origin === undefined || isLocalAuthority(origin.replace(/^\w+:\/\//, '')));
}
