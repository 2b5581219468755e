/** Exit codes (requirements 12.1). */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  toolError: 3,
  fault: 4,
  noGateway: 5,
  killed: 143,
  interrupted: 130,
} as const;
