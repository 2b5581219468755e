// Never reads its stdin, and answers nothing (F-P22).
process.stdout.write('{"jsonrpc":"2.0","method":"notifications/up"}\n');
setInterval(() => undefined, 1000);
