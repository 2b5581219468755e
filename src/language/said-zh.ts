// 网关所说的话。左边是网关的原文，`{…}` 是填入的内容；测试会核对每个错误、告警与诊断都有译文。
import { PROBLEMS_ZH } from './problems-zh.ts';

export const SAID: Readonly<Record<string, string>> = {
  // 错误表：下一步怎么做
  'Check the name against the list of configured upstreams.': '请对照已配置的上游列表检查名称。',
  'Check the name against tools/list.': '请对照 tools/list 检查名称。',
  'Check the URI against resources/list.': '请对照 resources/list 检查 URI。',
  'Correct the named arguments and call again.': '请改正所指出的参数后重新调用。',
  'Send a key: Authorization: Bearer <key>.': '请携带密钥：Authorization: Bearer <key>。',
  'Use a key that has the needed role.': '请使用具有相应角色的密钥。',
  'Wait for the time given and call again.': '请等待所给时间后重新调用。',
  'Nothing was sent; call again a little later, or raise limits.inFlight or limits.queue.':
    '没有发出任何内容；请稍后重试，或调大 limits.inFlight 或 limits.queue。',
  'The caller cancelled this call.': '调用方取消了本次调用。',
  'Allow more time: timeouts.call of the upstream, or the timeout of the tool.':
    '请放宽时间：上游的 timeouts.call，或该工具的 timeout。',
  'The upstream is not up at the moment; call again after the time given.': '上游暂不可用；请在所给时间后重新调用。',
  'The upstream failed repeatedly; it is started again after the time given, or now by a forced restart.':
    '上游多次失败；到时会自动重新启动，也可以现在强制重启。',
  'The path to the upstream failed repeatedly; it is probed in the background.':
    '通往上游的路径多次失败；后台正在探测。',
  "Correct the upstream's configuration, then restart it.": '请改正该上游的配置，然后重启它。',
  'Nothing was sent. Check host, port, TLS and proxy of the upstream.':
    '没有发出任何内容。请检查上游的主机、端口、TLS 和代理。',
  'The connection was lost; see delivery before you repeat the call.': '连接已断开；重复调用前请查看 delivery。',
  'The process ended; see delivery before you repeat the call.': '进程已退出；重复调用前请查看 delivery。',
  'No answer in time; see delivery before you repeat the call.': '未在时限内答复；重复调用前请查看 delivery。',
  'The upstream forgot its session and did not run the call; call again.': '上游丢失了会话，调用未执行；请重新调用。',
  'The upstream limits its callers; wait for the time given.': '上游限制调用频率；请等待所给时间。',
  'The upstream answered with a server error; see delivery before you repeat the call.':
    '上游返回服务器错误；重复调用前请查看 delivery。',
  'The upstream wants other credentials: set its headers or log in.': '上游需要其他凭据：请设置其 headers 或登录。',
  'The upstream sent something that is not MCP; report it to its maintainer.':
    '上游发来的内容不是 MCP；请反馈给其维护者。',
  'Ask for less, or raise limits.message of the upstream.': '请减少所要的内容，或调大该上游的 limits.message。',
  'This is a fault of the gateway; report it with the correlation id.': '这是网关自身的错误；请附上关联 ID 反馈。',

  // 需要确认的调用
  'Run {tool} of {upstream}? It may change or delete things for good. Arguments: {args}':
    '运行 {upstream} 的 {tool} 吗？它可能会永久更改或删除内容。参数：{args}',
  'Use a client that can ask its user (elicitation), call the tool from the dashboard, or have an operator change security.confirm.':
    '请使用能够询问用户的客户端（elicitation），在仪表板中调用该工具，或请管理员更改 security.confirm。',
  'Do not repeat the call unless the user asks for it.': '除非用户要求，请勿重复调用。',

  // 上游不可用时怎么做
  'Its process ends by itself: read the last lines of its stderr, then correct its command or variables.':
    '进程自行退出：请查看其 stderr 的最后几行，然后改正命令或环境变量。',
  'It is connected again by itself; if that goes on, look at its logs and at what stands between.':
    '会自动重新连接；若反复发生，请查看其日志以及中间的网络设备。',
  'It does not answer: see whether it hangs; raise timeouts.start or timeouts.connect if it is only slow.':
    '没有应答：请确认是否卡死；若只是较慢，请调大 timeouts.start 或 timeouts.connect。',
  'Check that it runs, and host, port, TLS and proxy; it is tried again by itself.':
    '请确认其正在运行，并检查主机、端口、TLS 和代理；会自动重试。',
  'The server itself fails: look at its logs; it is tried again by itself.':
    '服务器自身出错：请查看其日志；会自动重试。',
  'Correct url or transport of the upstream.': '请改正该上游的 url 或 transport。',
  'The system is out of processes, memory or descriptors; it is tried again by itself.':
    '系统的进程、内存或文件描述符已用尽；会自动重试。',
  'Raise the limit of open files (ulimit -n, LimitNOFILE) or run fewer upstreams; it is tried again by itself.':
    '请调大打开文件数上限（ulimit -n、LimitNOFILE）或减少上游；会自动重试。',
  'The gateway itself has {names}: name it in inheritEnv of the upstream, or set it in env.':
    '网关自身有 {names}：请在该上游的 inheritEnv 中列出，或在 env 中设置。',
  'Set {names} in env of the upstream.': '请在该上游的 env 中设置 {names}。',
  'It was stopped before it answered; do not assume that the call did not run.':
    '它在答复前被停止；不要认为调用没有执行。',
  'Enable it first: it is not started by a call.': '请先启用：调用不会启动它。',
  'Resume it, or wait until it is resumed.': '请恢复它，或等待恢复。',
  'Report it to whoever runs the server, or set oauth of the upstream by hand.':
    '请反馈给服务器的运营者，或手动设置该上游的 oauth。',
  'The gateway logs in by itself ({place}): check clientId, its secret or key, and scopes.':
    '网关会自行登录（{place}）：请检查 clientId、其密钥以及 scopes。',
  'Log in with "{command}" or on the dashboard (oauth.allowLoopback is on). Calls are taken again right after it.':
    '请用“{command}”或在控制台登录（oauth.allowLoopback 已启用）。登录后立即恢复调用。',
  'Log in with "{command}" or on the dashboard. Calls are taken again right after it.':
    '请用“{command}”或在控制台登录。登录后立即恢复调用。',
  'Log in with "{command}" or on the dashboard. It wants the scopes {scopes}. Calls are taken again right after it.':
    '请用“{command}”或在控制台登录。需要的权限范围：{scopes}。登录后立即恢复调用。',

  // 状态的原因
  'upstream "{name}" ended with exit code {code}': '上游“{name}”已退出，退出码 {code}',
  'upstream "{name}" was ended by {signal}': '上游“{name}”被 {signal} 终止',
  'upstream "{name}" does not listen at {where}': '上游“{name}”没有监听 {where}',
  'upstream "{name}" is not wanted any more': '上游“{name}”已不再需要',
  'upstream "{name}" closed its stdout': '上游“{name}”关闭了标准输出',
  'upstream "{name}" closed its stdin': '上游“{name}”关闭了标准输入',
  'upstream "{name}" is not connected': '上游“{name}”未连接',
  'upstream "{name}" does not read: {count} bytes wait to be sent': '上游“{name}”不再读取：有 {count} 字节等待发送',
  'upstream "{name}" cannot start: {errno}, {why}': '上游“{name}”无法启动：{errno}，{why}',
  'the working directory {path} does not exist': '工作目录 {path} 不存在',
  'the working directory {path} is not a directory': '工作目录 {path} 不是目录',
  'the working directory {path} may not be entered': '无权进入工作目录 {path}',
  '{file} is to be run by {program}, which does not exist': '{file} 需要由 {program} 运行，但它不存在',
  'upstream "{name}" is not started: EMFILE, {count} descriptors free':
    '上游“{name}”未启动：EMFILE，仅剩 {count} 个描述符',
  'upstream "{name}" needs {kind} missing or empty: {names}': '上游“{name}”缺少变量或变量为空：{names}',
  'upstream "{name}" did not answer {method} within {count} ms; do not assume that it did not run':
    '上游“{name}”在 {count} 毫秒内没有答复 {method}；不要认为它没有执行',
  'upstream "{name}" speaks MCP {theirs}; this gateway speaks {ours}':
    '上游“{name}”使用 MCP {theirs}；本网关支持 {ours}',
  'upstream "{name}" refused {method}: {code} {message}': '上游“{name}”拒绝了 {method}：{code} {message}',
  'upstream "{name}": no MCP server at its URL (HTTP {status})':
    '上游“{name}”：该 URL 上没有 MCP 服务器（HTTP {status}）',
  'the start of upstream "{name}" was given up': '已放弃启动上游“{name}”',
  'upstream "{name}" was stopped ({reason})': '上游“{name}”已停止（{reason}）',
  'the upstream refused our credentials (HTTP {status})': '上游拒绝了我们的凭据（HTTP {status}）',
  'the upstream limits its callers (HTTP 429)': '上游限制调用频率（HTTP 429）',
  'the upstream does not know our session (HTTP 404)': '上游不认识我们的会话（HTTP 404）',
  'the upstream answered with HTTP {status}': '上游返回 HTTP {status}',
  'the upstream redirects where we do not follow (HTTP {status}); check its URL':
    '上游重定向到我们不跟随的地址（HTTP {status}）；请检查其 URL',
  'the upstream refused the request (HTTP {status})': '上游拒绝了请求（HTTP {status}）',
  'cannot connect to {host}: {why}': '无法连接 {host}：{why}',
  'connection refused ({errno})': '连接被拒绝（{errno}）',
  'no such host ({errno})': '找不到主机（{errno}）',
  'the name could not be resolved ({errno})': '无法解析域名（{errno}）',
  'no connection in time ({errno})': '连接超时（{errno}）',
  'its certificate has expired ({errno})': '其证书已过期（{errno}）',
  'its certificate is self-signed ({errno})': '其证书是自签名的（{errno}）',
  'its certificate is signed by an authority that is not trusted ({errno})': '其证书由不受信任的机构签发（{errno}）',
  'its certificate is for another name ({errno})': '其证书属于其他名称（{errno}）',
  '{host} refused our client certificate ({errno})': '{host} 拒绝了我们的客户端证书（{errno}）',
  '{host} sent something that is not HTTP ({errno})': '{host} 发来的内容不是 HTTP（{errno}）',
  'the connection to {host} was lost ({errno})': '与 {host} 的连接已断开（{errno}）',
  'tls: {why}': 'TLS 设置：{why}',
  'tls.{name}: cannot read {path} ({errno})': 'tls.{name}：无法读取 {path}（{errno}）',
  'not an MCP answer ({what})': '答复不是 MCP（{what}）',
  'the event stream ended before the answer': '事件流在答复之前结束',
  'the transport is not open': '传输尚未打开',
  'the transport was closed': '传输已关闭',
  'url: expected an http:// or https:// URL': 'url：应为 http:// 或 https:// 地址',
  'headers.{name}: not a legal header': 'headers.{name}：不是合法的请求头',
  'the circuit is open': '熔断器已断开',
  'the upstream has been upgraded': '上游已升级',
  '{name} was paused by {by} at {when}': '{name} 于 {when} 被 {by} 暂停',
  'no upstream is called "{name}"': '没有名为“{name}”的上游',
  '{upstream} has no tool "{tool}"': '{upstream} 没有工具“{tool}”',
  'the configuration was not changed: {why}': '配置未更改：{why}',

  // 告警
  '{subject}: CPU of the processes {value}% of a core': '{subject}：进程 CPU 占单核 {value}%',
  '{subject}: memory of the processes {value}% of its limit': '{subject}：进程内存占其上限 {value}%',
  '{subject}: response time (p95) {value} ms': '{subject}：响应时间（p95）{value} 毫秒',
  '{subject}: failed calls {value} %': '{subject}：失败调用占 {value}%',
  '{subject}: failed calls {value}': '{subject}：失败调用 {value} 次',
  '{subject}: not available {value} s': '{subject}：已 {value} 秒不可用',
  '{subject}: endpoint not connected {value} s': '{subject}：接入点已 {value} 秒未连接',
  '{subject}: exits of the process {value}': '{subject}：进程退出 {value} 次',
  '{subject}: upstreams that failed together {value} %': '{subject}：{value}% 的上游同时失败',
  '{subject}: processes that no signal has ended {value}': '{subject}：有 {value} 个进程无法用任何信号结束',
  '{subject}: CPU of the gateway {value}% of a core': '{subject}：网关 CPU 占单核 {value}%',
  '{subject}: memory of the gateway {value} %': '{subject}：网关内存 {value}%',
  '{subject}: calls refused: heap of the gateway {value} %': '{subject}：因网关堆内存不足拒绝了 {value}% 的调用',
  '{subject}: stall of the event loop {value} ms': '{subject}：事件循环停顿 {value} 毫秒',
  '{subject}: event loop lag (p99) {value} ms': '{subject}：事件循环延迟（p99）{value} 毫秒',
  '{subject}: the shared store cannot be used {value} s': '{subject}：共享存储已 {value} 秒不可用',
  '{subject}: state cannot be written {value} s': '{subject}：已 {value} 秒无法写入状态',
  '{what}, above {limit} ({why})': '{what}，超过 {limit}（{why}）',
  '{what}, above {limit}: {why}': '{what}，超过 {limit}：{why}',
  '{what}, above {limit}': '{what}，超过 {limit}',
  'no longer watched': '不再监视',
  'resolved by hand': '手动结束',
  restarted: '已重启',
  'restart withheld: {count} in {limit} min are enough': '未重启：{limit} 分钟内已重启 {count} 次',

  // 诊断
  'See what it is busy with; lower limits.inFlight, give it supervisor.nice, or add replicas.':
    '请查看它在忙什么；调小 limits.inFlight、设置 supervisor.nice，或增加副本。',
  'Set supervisor.memoryLimit so that it is restarted between calls, or give it more memory.':
    '请设置 supervisor.memoryLimit 使其在调用间隙重启，或增加内存。',
  'See the slowest calls in the history; raise timeouts.call for tools that are meant to be slow.':
    '请在调用历史中查看最慢的调用；对本来就慢的工具调大 timeouts.call。',
  'Filter the call history by this upstream and outcome "fault"; the fault class names the cause.':
    '请在调用历史中按该上游和结果“失败”筛选；错误类别即为原因。',
  'Read the last lines of its stderr and its state; restart it with force when the cause is gone.':
    '请查看其 stderr 的最后几行和状态；原因消除后强制重启。',
  'See its last error under endpoints; an address can change, and another gateway may hold its place.':
    '请在“接入点”中查看最后的错误；地址可能已变，也可能被其他网关占用。',
  'Read the last lines of its stderr; an upstream that ends after every call may need session.mode "isolated".':
    '请查看其 stderr 的最后几行；每次调用后都退出的上游可能需要 session.mode 为 "isolated"。',
  'Look at the machine and its network first: many upstreams failed at the same moment.':
    '请先检查本机及网络：许多上游同时失败。',
  'They wait for a device or a file system that does not answer: see what it is (ps -o pid,stat,wchan); only that, or a restart of the machine, ends them.':
    '它们在等待无响应的设备或文件系统：请用 ps -o pid,stat,wchan 查看；只有其恢复或重启机器才能结束它们。',
  'Lower limits.gateway, or move upstreams to a second gateway.': '请调小 limits.gateway，或将部分上游移到另一个网关。',
  'Lower limits.message and storage.callLog.maxRecords, or give the gateway more memory.':
    '请调小 limits.message 和 storage.callLog.maxRecords，或增加网关内存。',
  'Lower limits.message or limits.gateway, or give the process more memory (NODE_OPTIONS).':
    '请调小 limits.message 或 limits.gateway，或为进程增加内存（NODE_OPTIONS）。',
  'Something stopped the gateway: a suspended machine, too little CPU, or one very large message.':
    '网关曾停顿：机器休眠、CPU 不足，或有一条非常大的消息。',
  'Calls go on; look at the store that storage.shared names, its memory and its role. Everything heals when it is back.':
    '调用不受影响；请检查 storage.shared 所指的存储、其内存和角色。恢复后一切自愈。',
  'Calls go on; make room on the disk of the data directory, or see its permissions. What waits is written when it can be.':
    '调用不受影响；请为数据目录所在磁盘腾出空间，或检查其权限。待写内容会在可写时写入。',
  'Something blocks the gateway: large results (limits.message) or a machine with too little CPU.':
    '网关被阻塞：结果过大（limits.message）或机器 CPU 不足。',
  'See the alert.': '请查看该告警。',
  'it is probed in the background; look at what stands between the gateway and it.':
    '后台正在探测；请检查网关与它之间的网络。',
  'report it to its maintainer; supervisor.memoryLimit or a restart now and then helps until then.':
    '请反馈给其维护者；在此之前可设置 supervisor.memoryLimit 或定期重启。',
  'its logs belong on stderr; report it to its maintainer.': '日志应写入 stderr；请反馈给其维护者。',
  '{entry} of its {kind} is left out ({why}); report it to its maintainer.':
    '其{kind}中的 {entry} 未提供（{why}）；请反馈给其维护者。',
  tools: '工具',
  resources: '资源',
  resourceTemplates: '资源模板',
  prompts: '提示词',
  'Give the gateway a data directory of its own that it can write: --data-dir.':
    '请为网关指定一个可写的专用数据目录：--data-dir。',
  'Correct the configuration file; it is read again as soon as it is saved.': '请改正配置文件；保存后会立即重新读取。',

  // 审批与扫描
  'An operator looks at it and decides: {command}, or the dashboard. Repeating the call changes nothing.':
    '由管理员查看并决定：{command}，或在控制台操作。重复调用没有作用。',
  'An operator looks at what it would start and decides: {command}, or the dashboard. Repeating the call changes nothing.':
    '由管理员查看它将启动的内容并决定：{command}，或在控制台操作。重复调用没有作用。',
  'look at what differs and decide: {command}, then approve or reject.':
    '请查看差异并决定：{command}，然后批准或拒绝。',
  'read what it says of itself and its tools; switch them off, or set security.approval so that they wait.':
    '请阅读其工具的描述；停用它们，或设置 security.approval 使其等待审批。',
  'holds characters that a person does not see but a model reads': '含有人看不见、模型却会读到的字符',
  'mixes letters of several scripts that look the same': '混用了外形相同的不同文字',
  'tells the model to forget what it was told': '让模型忘记之前的指令',
  'tells the model to keep something from its user': '让模型对用户隐瞒',
  'poses as a message of the system': '冒充系统消息',
  'says what to do before, after or in place of other tools': '指挥模型在其他工具之前、之后或代替它们做什么',
  'names files that hold credentials': '提到存放凭据的文件',

  // 管理接口的拒绝
  'this gateway has no store of secrets': '本网关没有密钥存储',
  'there is no secret called "{name}"': '没有名为“{name}”的密钥',
  'this gateway has no approvals': '本网关没有审批功能',
  '{name} must be a whole number': '{name} 必须是整数',
  '{name} must be an ISO time': '{name} 必须是 ISO 时间',
  'this gateway is alone: storage.shared is not set': '这是单个网关：未设置 storage.shared',
  'versions are whole numbers': '版本号是整数',
  '{name} is the number of a version, applied or file': '{name} 应为版本号、applied 或 file',
  'this version is not kept': '该版本未保留',
  'the configuration was refused; the running one stays': '配置被拒绝；正在运行的配置保持不变',
  'the configuration has changed since it was read': '配置在读取之后已被更改',
  'this gateway dials no endpoints': '本网关不连接接入点',
  'there is no endpoint called "{name}"': '没有名为“{name}”的接入点',
  'the endpoint "{name}" has this address already': '接入点“{name}”已使用该地址',
  'this endpoint does not stand in the configuration file, but in a variable or a program':
    '该接入点不在配置文件中，而是来自变量或程序',
  'there is an endpoint called "{name}"': '已有名为“{name}”的接入点',
  'this gateway is stopping': '本网关正在停止',
  '{count} readers of events are enough': '已有 {count} 个事件订阅者，不再接受更多',
  'the body is not JSON': '请求体不是 JSON',
  'this gateway has no keys to change': '本网关没有可更改的密钥',
  'the code is not known, was used, or is too old': '登录码无效、已被使用或已过期',
  'send a key that may read or administer, or a code': '请提供可读取或管理的密钥，或登录码',
  'this gateway has no sessions': '本网关没有会话',
  'this call is not kept any more': '该调用记录已不再保留',
  'this call is not kept': '该调用记录未保留',
  'only calls of tools are repeated': '只能重放工具调用',
  '{tool} does not declare itself read-only': '{tool} 未声明为只读',
  'its arguments were not kept whole': '其参数没有完整保留',
  'logins are not available': '登录功能不可用',
  'there is an upstream called "{name}"': '已有名为“{name}”的上游',
  'this gateway reads no pasted text': '本网关不读取粘贴的文本',
  'checks on demand are not available': '无法按需检查',
  'the level of this log cannot be changed': '无法更改该日志的级别',
  'nothing was changed about a rule of this name': '没有更改该名称的规则',
  'the key is not known': '密钥无效',
  'there is a key called "{name}"; rotate it, or take another name': '已有名为“{name}”的密钥；请轮换它，或换一个名称',

  // 接入点
  'cannot be reached ({errno})': '无法连接（{errno}）',
  'the token is refused (HTTP {status})': '令牌被拒绝（HTTP {status}）',
  'another client with the same token took the place (1000)': '使用同一令牌的其他客户端占用了连接（1000）',
  '{what} ({code}): {why}': '{what}（{code}）：{why}',
  '{what} ({code})': '{what}（{code}）',
  'the peer closed the connection': '对方关闭了连接',
  'the peer went away': '对方已离开',
  'the peer met something that is not WebSocket': '对方收到了不符合 WebSocket 的内容',
  'the peer does not take this kind of data': '对方不接受这类数据',
  'the peer closed the connection without a code': '对方关闭了连接，未给出代码',
  'the connection broke': '连接中断',
  'the peer got text that is not UTF-8': '对方收到的文本不是 UTF-8',
  'the peer refuses the token': '对方拒绝了令牌',
  'a message was too large': '消息过大',
  'the peer failed inside': '对方内部出错',
  'the peer restarts': '对方正在重启',
  'the peer has too much to do': '对方负载过高',
  'TLS failed': 'TLS 失败',
  'the peer forbids the connection': '对方禁止连接',
  'the peer failed inside, or got no answer in time': '对方内部出错，或未及时收到答复',
  'nobody answers any more': '对方不再应答',
  'the connection is open, but nothing comes through it': '连接仍在，但没有任何数据通过',
  'the peer does not take what is sent': '对方不接收发送的内容',
  'dialled again': '重新连接',
  disconnected: '已断开',
  'connected, not initialised: the peer has not said anything yet': '已连接，尚未初始化：对方还没有发来消息',
  'left out for maxTools or maxBytes: {names}': '因 maxTools 或 maxBytes 未列出：{names}',
  '{count} tools are listed; some relays hang above {limit} (maxTools)':
    '已列出 {count} 个工具；部分中继在超过 {limit} 个时会卡住（maxTools）',
  'the token says that it has expired': '令牌显示已过期',
  ...PROBLEMS_ZH,
};
