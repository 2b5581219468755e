// F-H24: 401 with the address of its metadata unless the token is `token` (secret); `scope` = yes: 403 on faulty calls.
import { serve } from './scaffold.mjs';

serve({
  upgrade({ request, refuse, server }) {
    if (request.headers.authorization === `Bearer ${server.options.set.token ?? 'secret'}`) return false;
    server.ledger.add('refused', { status: 401 });
    return refuse(401, { 'www-authenticate': 'Bearer' });
  },
  http(exchange) {
    const { request, response, server, message } = exchange;
    const origin = `http://${request.headers.host}`;
    const { token = 'secret', scope } = server.options.set;
    if (request.url.startsWith('/.well-known/oauth-protected-resource')) {
      server.ledger.add('metadata');
      const metadata = {
        resource: `${origin}/mcp`,
        authorization_servers: [origin],
        scopes_supported: ['read', 'write'],
      };
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata));
    }
    const challenge = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource"`;
    if (request.headers.authorization !== `Bearer ${token}`) {
      server.ledger.add('refused', { status: 401 });
      return response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
    if (scope === 'yes' && message?.params?.arguments?.fault === true) {
      server.ledger.add('refused', { status: 403 });
      return response
        .writeHead(403, { 'www-authenticate': `${challenge}, error="insufficient_scope", scope="write"` })
        .end();
    }
    return exchange.next();
  },
});
