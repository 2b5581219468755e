import { EXIT } from './exit.ts';

/** A command cannot be carried out; the message says why and what to do, the code is the process's exit code. */
export class Refused extends Error {
  readonly code: number;
  constructor(message: string, code: number = EXIT.usage) {
    super(message);
    this.name = 'Refused';
    this.code = code;
  }
}
