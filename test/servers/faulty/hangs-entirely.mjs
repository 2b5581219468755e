// F-I27: from the first faulty call on nothing is answered any more, pings neither; control({}) ends that.
import { serve } from './scaffold.mjs';

let deaf = false;
serve({
  control() {
    deaf = false;
  },
  message({ params }) {
    deaf ||= params?.arguments?.fault === true;
    return deaf;
  },
});
