// All Chinese of the command line in one file, read where somebody reads Chinese.
export { SAID } from '../language/said-zh.ts';
export { translator } from '../language/translate.ts';
export { ZH } from './words-zh.ts';
