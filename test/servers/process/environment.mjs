// Answers with its environment, directory and arguments.
import { serve } from './requests.mjs';

serve(() => ({ env: { ...process.env }, cwd: process.cwd(), args: process.argv.slice(2) }));
