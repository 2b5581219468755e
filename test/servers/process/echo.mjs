// Answers every request with its own params.
import { serve } from './requests.mjs';

serve((request) => ({ echo: request.params ?? {} }));
