// State that a modern server leaves with its caller between two rounds: readable by nobody but us, tamper-proof.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { RpcError } from '../rpc.mjs';

const KEY = randomBytes(32);

/** @param {string} body */
const mac = (body) => createHmac('sha256', KEY).update(body).digest('base64url');

/** @param {{ method: string, name: string, answers: object }} state */
export function seal(state) {
  const body = Buffer.from(JSON.stringify({ ...state, nonce: randomBytes(8).toString('hex') })).toString('base64url');
  return `${body}.${mac(body)}`;
}

/**
 * @param {unknown} sealed
 * @param {{ method: string, name: string }} owner what the state must have been made for
 * @returns {Record<string, any>} the answers gathered so far
 * @throws {RpcError} -32602 for one that is not ours, was changed or belongs to another request
 */
export function open(sealed, { method, name }) {
  const [body = '', tag = ''] = String(sealed).split('.');
  const expected = Buffer.from(mac(body));
  const actual = Buffer.from(tag);
  if (expected.length === actual.length && timingSafeEqual(expected, actual)) {
    const state = JSON.parse(Buffer.from(body, 'base64url').toString());
    if (state.method === method && state.name === name) return state.answers;
  }
  throw new RpcError(-32602, 'Invalid requestState');
}
