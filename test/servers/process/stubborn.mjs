// Ignores the end of its stdin and every signal that can be ignored (F-P15).
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
process.stdin.resume();
setInterval(() => undefined, 1000);
process.stdout.write('{"jsonrpc":"2.0","method":"notifications/up"}\n');
