// Which client capability each request to a client needs, and what an answer to it must look like.

/** @type {Record<string, string>} */
export const CAPABILITY = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/** @param {string} method @param {any} answer */
export function isAnswer(method, answer) {
  if (typeof answer !== 'object' || answer === null) return false;
  switch (method) {
    case 'elicitation/create':
      return ['accept', 'decline', 'cancel'].includes(answer.action);
    case 'sampling/createMessage':
      return typeof answer.content === 'object' && answer.content !== null;
    default:
      return Array.isArray(answer.roots);
  }
}
