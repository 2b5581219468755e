// F-I27: from the first faulty call on nothing is answered any more, pings neither.
import { serve } from './scaffold.mjs';

let deaf = false;
serve({
  message({ params }) {
    deaf ||= params?.arguments?.fault === true;
    return deaf;
  },
});
