// Closes its stdout on request and lives on.
import { closeSync } from 'node:fs';
import { serve } from './requests.mjs';

setInterval(() => undefined, 1000);
serve(() => closeSync(1));
