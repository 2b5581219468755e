// Writes its answers byte by byte, so that characters arrive in pieces (F-I5).
import { answer, serve } from './requests.mjs';

serve((request) => {
  const bytes = Buffer.from(answer(request.id, { text: '各端点已连接 🎉 ü' }));
  const next = (at) => {
    if (at < bytes.length) process.stdout.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
  };
  next(0);
});
