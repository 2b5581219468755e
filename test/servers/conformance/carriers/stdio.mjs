// stdio: one message a line. Ends when its input ends.
import { createInterface } from 'node:readline';
import { Duplex } from './duplex.mjs';

/** @param {{ world: import('../world.mjs').World, era: import('./duplex.mjs').Era }} options */
export function serveStdio({ world, era }) {
  const duplex = new Duplex({ world, era, send: (message) => process.stdout.write(`${JSON.stringify(message)}\n`) });
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line.trim() !== '') duplex.receive(line);
    })
    .on('close', () => {
      duplex.close();
      process.exitCode = 0;
    });
  process.stdout.on('error', () => process.exit(0));
}
