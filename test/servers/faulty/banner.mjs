// F-I2: prints a banner on stdout before the handshake.
import { serve } from './scaffold.mjs';

serve({ start: () => process.stdout.write('*** Welcome to the Faulty Server v1.0 ***\nlistening on stdio\n') });
