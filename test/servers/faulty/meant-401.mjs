// F-H6, the other side: refuses the faulty call with a 401 that is meant, while its session lives on; a ping is answered.
import { onFaultyCall, serve } from './scaffold.mjs';

serve({
  http: onFaultyCall(({ response }) => {
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
  }),
});
