// No fault at all: what the others are compared with.
import { serve } from './scaffold.mjs';

serve();
