// The scenario of row 8 over REST, as the resilient mcpo measured it (B-01 … B-03).
import { outages } from './08-outages.mjs';

export { background, row, scaled } from './08-outages.mjs';
export const title = 'The same outages over REST';
export const run = (house) => outages(house, house.client.callRest);
