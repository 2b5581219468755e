// F-H5, F-H6: forgets all sessions at control({}), and refuses unknown ones as `form`: 404 | 400 | 401 | 200 | 422.
import { serve } from './scaffold.mjs';

const BODIES = {
  400: JSON.stringify({
    jsonrpc: '2.0',
    id: null,
    error: { code: -32000, message: 'Bad Request: No valid session ID provided' },
  }),
  401: '{"error":"unauthorized"}',
  422: '{"detail":"session"}',
  200: JSON.stringify({ jsonrpc: '2.0', id: 'server-error', error: { code: -32600, message: 'Session not found' } }),
};
const unknownSession = {};
serve({
  start({ options }) {
    unknownSession.status = options.set.form ?? 404;
    unknownSession.body = BODIES[unknownSession.status];
  },
  unknownSession,
  control: (_, { sessions }) => sessions.clear(),
});
