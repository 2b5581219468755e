// F-H9: between control({on: true}) and control({on: false}) new requests are read and never answered.
import { onEveryRequest, serve } from './scaffold.mjs';

let silent = false;
serve({
  control({ on = true }) {
    silent = on;
  },
  http: onEveryRequest(
    () => silent,
    () => {},
  ),
  message: () => silent,
  upgrade: () => silent,
});
