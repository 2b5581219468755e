// Parts of the program that a start does not need are read when somebody needs them first (performance row 12).
import { GatewayFault } from './fault.ts';

/**
 * Gives what `load` imports, the same every time; what could not be read is tried again the next time.
 * @param name of the part, for the log
 * @throws GatewayFault INTERNAL, which says what to do
 */
export function part<T>(name: string, load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      const text = `the part "${name}" of this program cannot be read: ${(error as Error).message}`;
      throw new GatewayFault('INTERNAL', text, {
        cause: error,
        hint: 'The program was changed or removed while it ran: install it again where need be, and restart it.',
      });
    });
    return loaded;
  };
}
