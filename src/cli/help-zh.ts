// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in a configuration are written so
// 帮助文本。左边是各命令定义中的英文原文；test/cli-words.test.ts 会核对每句都有译文。
export const HELP_ZH: Readonly<Record<string, string>> = {
  // 帮助本身
  'Usage:': '用法：',
  'Arguments:': '参数：',
  'Options:': '选项：',
  'Commands:': '命令：',
  'print this help': '显示本帮助',
  'display help for command': '显示命令的帮助',
  'print the version': '显示版本',
  'language of what is printed: auto, en or zh (HOLDFAST_LOCALE)': '输出所用的语言：auto、en 或 zh（HOLDFAST_LOCALE）',

  // 多个命令共有
  'configuration: holdfast.json, or the file of Claude Desktop, Cursor, VS Code, mcpo …':
    '配置：holdfast.json，或 Claude Desktop、Cursor、VS Code、mcpo 等程序的文件',
  'read the file as this format instead of looking at it': '按此格式读取文件，而不自行判断',
  'where state is kept (HOLDFAST_DATA_DIR)': '状态的存放目录（HOLDFAST_DATA_DIR）',
  'the running gateway; without it, the one on the same data directory': '运行中的网关；不写则为使用同一数据目录的那个',
  'key for it (HOLDFAST_API_KEY)': '访问它的密钥（HOLDFAST_API_KEY）',
  'print JSON': '输出 JSON',
  'say what would change, and change nothing': '只说明会有什么变化，不做修改',
  'the upstream': '上游',
  'its number': '版本号',
  'what to do': '要做的事',

  // 启动与停止
  'One steadfast gateway in front of all your MCP servers.': '一个稳固的网关，立于您所有 MCP 服务器之前。',
  'start the gateway in the foreground (a command after -- is served alone, without a file)':
    '在前台启动网关（-- 之后的命令会单独提供服务，不用文件）',
  'start the gateway in the background; takes what serve takes, and comes back when it listens':
    '在后台启动网关；参数与 serve 相同，开始监听后返回',
  'a single stdio server to serve': '要提供服务的单个 stdio 服务器',
  'what /mcp shows: passthrough, converged, an upstream or a view':
    '/mcp 显示的内容：passthrough、converged、某个上游或某个视图',
  'trace, debug, info, warn, error, fatal or silent': 'trace、debug、info、warn、error、fatal 或 silent',
  'address to listen on (127.0.0.1)': '监听地址（127.0.0.1）',
  'port to listen on; 0 takes any free one (8000)': '监听端口；0 为任意空闲端口（8000）',
  'demand this key (better: HOLDFAST_API_KEY or --api-key-file)':
    '要求此密钥（最好用 HOLDFAST_API_KEY 或 --api-key-file）',
  'demand the key in this file': '要求此文件中的密钥',
  'a key that may also administrate': '也可用于管理的密钥',
  'listen wider than loopback without a key': '没有密钥也监听本机之外的地址',
  'documents and pages of the OpenAPI face need a key too': 'OpenAPI 的文档和页面也需要密钥',
  'answer embedded resources with the fixed sentence of mcpo': '对内嵌资源用 mcpo 的固定语句答复',
  'what stands behind -- is the URL of a server: sse or streamable-http':
    '-- 之后是服务器的 URL：sse 或 streamable-http',
  '"Name: value" or a JSON object for that URL; repeat for more': '用于该 URL 的 "名称: 值" 或 JSON 对象；可重复',
  'KEY=VALUE for every server; repeat for more': '用于每个服务器的 变量=值；可重复',
  'file of such pairs': '写有这种变量的文件',
  'web origin that may call; repeat for more': '允许调用的网页来源；可重复',
  'what a proxy in front strips': '前面的代理去掉的路径',
  'prefix of the OpenAPI routes': 'OpenAPI 路由的前缀',
  'certificate to serve HTTPS with': '提供 HTTPS 所用的证书',
  'its private key': '证书的私钥',
  'title of the OpenAPI document over all servers': '涵盖所有服务器的 OpenAPI 文档的标题',
  'its description': '文档的说明',
  'its version': '文档的版本',
  'do not follow changes of the configuration file': '不跟随配置文件的变化',
  'accepted for compatibility: the file is followed anyway': '为兼容而接受：文件总会被跟随',
  'say that it is ready as JSON': '以 JSON 报告就绪',
  'where stderr of a gateway in the background goes': '后台网关的 stderr 写到哪里',
  'stop the gateway: accepted calls are answered first': '停止网关：先答复已接受的调用',
  'wait so long for its end': '等待其结束的时间',
  'end it when it takes longer': '超时则强制结束',
  'restart the gateway with the arguments it was started with; or one upstream of it':
    '以启动时的参数重启网关；或只重启其中一个上游',
  'only this upstream; the others and the gateway go on': '只重启此上游；其他上游和网关继续运行',
  'the gateway: end it when it takes longer; an upstream: also during its cool-down':
    '网关：超时则强制结束；上游：冷却期间也重启',
  'print the log of the gateway in the background, or the last lines one upstream wrote to stderr':
    '显示后台网关的日志，或某个上游最近写到 stderr 的内容',
  'only what this upstream wrote': '只显示此上游写的内容',
  'go on with what is added': '持续显示新增内容',
  'how many of the last lines': '显示最后多少行',
  'follow the gateway in the background until it ends; Ctrl-C leaves it running':
    '跟随后台网关直到结束；Ctrl-C 退出而网关继续运行',
  'how many of the last lines first': '先显示最后多少行',
  'serve over OpenAPI with the options of mcpo (holdfast mcpo --help)':
    '以 mcpo 的选项通过 OpenAPI 提供服务（holdfast mcpo --help）',
  'serve with the arguments of MCPX; also mcpx-sse and mcpx-toolkit (holdfast mcpx --help)':
    '以 MCPX 的参数提供服务；另有 mcpx-sse 和 mcpx-toolkit（holdfast mcpx --help）',
  'serve over HTTP with the arguments of MCPX': '以 MCPX 的参数通过 HTTP 提供服务',
  'the commands of xiaozhi-client (holdfast xiaozhi --help)': 'xiaozhi-client 的命令（holdfast xiaozhi --help）',
  'serve one client over stdin and stdout, through the running gateway where there is one':
    '通过 stdin 和 stdout 为一个客户端提供服务；有运行中的网关时经由它',
  'always start a gateway of its own': '总是启动自己的网关',
  'key for the running gateway (HOLDFAST_API_KEY)': '访问运行中网关的密钥（HOLDFAST_API_KEY）',

  // 上游
  'list the upstreams: of the running gateway, or of the configuration where none runs':
    '列出上游：运行中网关的，没有运行时为配置中的',
  'add an upstream: a URL, or -- and the command that starts it': '添加上游：一个 URL，或 -- 加启动它的命令',
  'KEY=VALUE for its process; repeat for more (${env:NAME} keeps a secret out of the file)':
    '用于其进程的 变量=值；可重复（${env:NAME} 可使机密不写入文件）',
  '"Name: value" for every request to its URL; repeat for more': '用于每个发往其 URL 的请求的 "名称: 值"；可重复',
  'streamable-http, sse or websocket; without it a URL is tried out':
    'streamable-http、sse 或 websocket；不写则试探 URL',
  'folder its process is started in': '启动其进程的目录',
  'what it is for': '它的用途',
  'do not start it yet': '暂不启动',
  'take the place of the one that has this name': '替换同名的上游',
  'how it is called': '它的名称',
  'its URL; or, behind --, its command with arguments': '它的 URL；或 -- 之后的命令和参数',
  'take an upstream out of the configuration; its calls are answered first': '从配置中移除上游；先答复对它的调用',
  'switch an upstream, or one of its tools, on; kept in the configuration': '启用上游或其中一个工具；保存在配置中',
  'switch an upstream, or one of its tools, off; kept in the configuration': '停用上游或其中一个工具；保存在配置中',
  "only this tool, by the upstream's own name": '只针对此工具，用上游自己的名称',

  // 与其他程序互通
  'take over the servers of Claude Desktop, Claude Code, Cursor, VS Code, Windsurf, Codex, Gemini CLI, mcpo, MCPX, xiaozhi-client and mcphub':
    '导入 Claude Desktop、Claude Code、Cursor、VS Code、Windsurf、Codex、Gemini CLI、mcpo、MCPX、xiaozhi-client 和 mcphub 的服务器',
  'read files as this format instead of looking at them': '按此格式读取文件，而不自行判断',
  'make a new native file of one file and what was changed over it': '把一个文件及对它的修改写成新的本机格式文件',
  'ID=VALUE for an ${input:ID} of VS Code; repeat for more (a password is better given as HOLDFAST_INPUT_ID)':
    '用于 VS Code 的 ${input:ID} 的 ID=值；可重复（密码最好用 HOLDFAST_INPUT_ID 给出）',
  'do not ask': '不询问',
  'programs (claude-desktop, cursor …) or files; without any, all that is found':
    '程序（claude-desktop、cursor 等）或文件；不写则为找到的全部',
  'print the configuration in the form of another program; what that has no place for is told':
    '以其他程序的格式输出配置；对方无处存放的内容会说明',
  'into this new file, with its secrets': '写入此新文件，含机密',
  'claude-desktop, claude-code, cursor, vscode, windsurf, codex, gemini, mcpo, mcpx, xiaozhi, mcphub …':
    'claude-desktop、claude-code、cursor、vscode、windsurf、codex、gemini、mcpo、mcpx、xiaozhi、mcphub 等',
  'write the gateway into the configuration of a client; a copy of its file is kept beside it':
    '把网关写入客户端的配置；其文件的副本保留在旁边',
  'take it back: the file as it was, or without our entry where others have changed it since':
    '撤回：恢复原文件；若之后有他人修改，则只去掉本网关的条目',
  'the client starts holdfast stdio, instead of an address': '由客户端启动 holdfast stdio，而不是写地址',
  'the file of the project in this folder, not the one of the user': '此目录中项目的文件，而不是用户的文件',
  'this file': '此文件',
  'how the gateway is called there': '网关在其中的名称',
  'what the client is shown': '向客户端显示的内容',
  'claude-desktop, claude-code, cursor, vscode, windsurf, codex or gemini':
    'claude-desktop、claude-code、cursor、vscode、windsurf、codex 或 gemini',

  // 配置
  'make a configuration: asks a few questions on a terminal, goes by its options elsewhere; writes over nothing':
    '创建配置：在终端上询问几个问题，其他情况按选项；不覆盖任何文件',
  'take over the servers of these programs, or of all that are found': '导入这些程序的服务器，或找到的全部',
  'address to listen on': '监听地址',
  'port to listen on': '监听端口',
  'what /mcp shows: converged or passthrough': '/mcp 显示的内容：converged 或 passthrough',
  'ask nothing': '什么都不问',
  'where (~/.config/holdfast/holdfast.json)': '写到哪里（~/.config/holdfast/holdfast.json）',
  'check configuration, variables, commands, names, certificates, handshakes, permissions, versions and port, with the step to take':
    '检查配置、变量、命令、域名、证书、握手、权限、版本和端口，并给出应做的步骤',
  'wait so long for servers that are started for the check': '等待为检查而启动的服务器的时间',
  'where no gateway runs: start no server': '没有运行中的网关时：不启动服务器',
  'which configuration counts, what is wrong with it, what it says': '哪份配置有效、有什么问题、写了什么',
  'print which file counts': '显示哪个文件有效',
  'read a configuration and print every problem with its place; nothing is started':
    '读取配置并列出每个问题及其位置；不启动任何东西',
  'this file, not the one that counts': '此文件，而不是有效的那个',
  'print it as native keys, with *** for every secret': '以本机格式的键显示，机密显示为 ***',
  'with every default': '包括所有默认值',
  'print the JSON Schema of the file, for completion in editors': '输出该文件的 JSON Schema，供编辑器补全',
  'print one value of the configuration as it is written, or what is in force where nothing is':
    '显示配置中一个值的原样；没有写时显示生效的值',
  'such as upstreams.files.timeouts.call': '例如 upstreams.files.timeouts.call',
  'change one value of the configuration: in the running gateway, or in the file; comments stay':
    '修改配置中的一个值：在运行中的网关里，或在文件里；注释保留',
  'take the value as a text, whatever it looks like': '无论什么样子都当作文本',
  'JSON, or a plain text; - reads it from stdin, which keeps it out of the list of processes':
    'JSON 或普通文本；- 从标准输入读取，这样不会出现在进程列表中',
  'take one value out of the configuration; its default is in force then': '移除配置中的一个值；之后其默认值生效',
  'each value of the configuration and where it comes from: flag, environment, file, overlay or default':
    '配置的每个值及其来源：选项、环境、文件、覆盖层或默认值',
  'only what stands there and below, such as upstreams.files.timeouts':
    '只显示此处及以下的内容，例如 upstreams.files.timeouts',
  'every configuration that was applied: when, by whom, why': '应用过的每份配置：时间、何人、原因',
  'apply an earlier version of the configuration again, as a new one': '重新应用配置的早期版本，作为新版本',
  'what differs between two configurations: the file and the one in force, or two versions':
    '两份配置的差异：文件与生效的配置，或两个版本',
  'the number of a version, applied or file; without it, what changed last':
    '版本号、applied 或 file；不写则为最近的修改',
  'the same; the one in force if it is left out': '同上；不写则为生效的配置',
  'print a version of the configuration without its secrets, or write it into a file':
    '显示配置的某个版本（不含机密），或写入文件',
  'into this new file, with its secrets (only its owner may read it)': '写入此新文件，含机密（只有所有者可读）',
  '*** for every secret in that file too': '该文件中的机密也写为 ***',
  'its number; the newest if it is left out': '版本号；不写则为最新版本',
  'check a configuration that was exported, and apply it as a new version': '检查导出的配置，并作为新版本应用',
  'the file; a *** in it keeps the secret that stands there now': '文件；其中的 *** 保留该处现有的机密',
  'print the completion script of a shell': '输出 shell 的补全脚本',
  'the shell': 'shell 名称',

  // 使用
  'call one tool of the running gateway': '调用运行中网关的一个工具',
  'arguments as a JSON object; - reads it from stdin (default: {})':
    'JSON 对象形式的参数；- 从标准输入读取（默认：{}）',
  'give up after this long': '超过此时间就放弃',
  "the tool, by the upstream's own name": '工具，用上游自己的名称',
  'arguments as a JSON object, as --args': 'JSON 对象形式的参数，同 --args',
  'list the tools of the running gateway': '列出运行中网关的工具',
  'only those of this upstream': '只列出此上游的',
  'what each view costs a model, per server and per tool (estimates)':
    '每个视图占用模型多少词元，按服务器和工具列出（估算）',
  'also every tool': '也列出每个工具',
  'show the upstreams of the running gateway': '显示运行中网关的上游',
  'the gateways that share a store with it instead': '改为显示与它共用存储的各网关',
  'watch the running gateway in a terminal: upstreams, rates, alerts, calls that failed':
    '在终端上观察运行中的网关：上游、速率、告警、失败的调用',
  'print what there is now and end': '显示当前状况后退出',
  'log in to an upstream that is protected: prints the address and opens a browser':
    '登录受保护的上游：显示地址并打开浏览器',
  'only print the address': '只显示地址',
  'also where the server keeps asking for scopes that it was asked for': '即使服务器反复要求已申请过的权限范围也登录',
  'no browser: take over what mcpo kept of it (~/.mcpo/tokens)': '不用浏览器：导入 mcpo 保存的登录（~/.mcpo/tokens）',
  'forget the login at an upstream, and revoke it where the server can': '忘记在上游的登录；服务器支持时一并吊销',
  'put what a bug report needs into one archive, without secrets; also where no gateway runs':
    '把问题报告所需的内容打包，不含机密；没有运行中的网关也可以',
  'where to; - writes it to stdout (holdfast-support-<time>.tar.gz)':
    '写到哪里；- 写到标准输出（holdfast-support-<时间>.tar.gz）',

  // 接入点
  'list, add, replace, remove, connect or disconnect endpoints of the running gateway; no token is printed':
    '列出、添加、替换、移除、连接或断开运行中网关的接入点；不显示令牌',
  'how it shall be called': '它的名称',
  'endpoints of one group stand in for each other': '同组的接入点互为后备',
  'it serves only while another one of its group is lost': '只在同组的另一个失联时提供服务',
  'replace: it serves always': 'replace：总是提供服务',
  'what it is shown': '向它显示的内容',
  'what to do (set is replace)': '要做的事（set 即 replace）',
  'add: its URL, or - to read it from stdin; the others: its name':
    'add：它的 URL，或 -，从标准输入读取；其他：它的名称',
  'replace: its new URL, or - to read it from stdin; what else was set stays':
    'replace：新的 URL，或 -，从标准输入读取；其他设置保留',

  // 审批
  'servers and tools of the running gateway that wait for approval (security.approval), and why':
    '运行中网关里等待批准的服务器和工具（security.approval）及其原因',
  'everything that differs there, and what was decided so far': '其中的所有差异，以及至今的决定',
  'let a server start, or its tools be listed and called: all of it that waits, or only some tools':
    '允许服务器启动，或允许列出和调用其工具：所有等待的，或只是部分工具',
  'refuse where something else stands there by now; repeat for more': '若内容已经不同则拒绝；可重复',
  'only these tools, by the names the upstream gives them': '只针对这些工具，用上游自己的名称',
  'hold a server or some of its tools back until they are approved, also what was approved before':
    '扣住服务器或其部分工具直到获批准，包括以前批准过的',

  // 密钥与机密
  'list, add, rotate or revoke the keys of callers; without a running gateway, in its configuration':
    '列出、添加、轮换或吊销调用方的密钥；没有运行中的网关时在其配置中进行',
  'add: read, call (if absent) or admin; repeat for more': 'add：read、call（默认）或 admin；可重复',
  'add: reaches only these upstreams; repeat for more': 'add：只能访问这些上游；可重复',
  'add: reaches only these tools (upstream/tool, or a name); repeat for more':
    'add：只能访问这些工具（上游/工具，或名称）；可重复',
  'add: reaches none of these tools; repeat for more': 'add：不能访问这些工具；可重复',
  'add: reaches only what this view shows; repeat for more': 'add：只能访问此视图显示的内容；可重复',
  'add: calls it may make, such as 60/1m': 'add：允许的调用次数，例如 60/1m',
  'add: a date, or how long from now: 90d': 'add：到期日，或从现在起的时长：90d',
  'rotate: how long the old key is good beside the new one (1d)': 'rotate：旧密钥与新密钥并存的时间（1d）',
  'the name of the key': '密钥的名称',
  'set (from stdin), list or remove stored secrets, or seal them with a new key':
    '设置（从标准输入）、列出或移除保存的机密，或用新密钥重新封存',
  'rotate-key: keep the new key in the keyring of the system': 'rotate-key：把新密钥保存在系统的密钥环中',
  'rotate-key: keep the new key in a file of the data directory': 'rotate-key：把新密钥保存在数据目录的文件中',
  'the name of the secret': '机密的名称',

  // 备份
  'write the data directory into one file, also while the gateway runs; it holds secrets':
    '把数据目录写入一个文件，网关运行时也可以；其中含有机密',
  'the file to write; it must not exist': '要写的文件；必须尚不存在',
  'put a backup back into the data directory; no gateway may run there': '把备份恢复到数据目录；其上不能有运行中的网关',
  'only say what would be written': '只说明会写入什么',
  'what holdfast backup wrote': 'holdfast backup 写出的文件',

  // mcpo
  'serve MCP servers over OpenAPI, with the options of mcpo': '以 mcpo 的选项通过 OpenAPI 提供 MCP 服务器',
  'the command of one stdio server, or with --type its URL': '一个 stdio 服务器的命令；有 --type 时为其 URL',
  'address to listen on (0.0.0.0 with a key, else 127.0.0.1)': '监听地址（有密钥时 0.0.0.0，否则 127.0.0.1）',
  'documents and pages need the key too': '文档和页面也需要密钥',
  'KEY=VALUE for the servers; repeat for more': '用于各服务器的 变量=值；可重复',
  'stdio, sse or streamable-http': 'stdio、sse 或 streamable-http',
  'configuration of several servers': '多个服务器的配置',
  'title of the document over all servers': '涵盖所有服务器的文档的标题',
  'prefix of the routes': '路由的前缀',
  '"Name: value" or a JSON object, for a server given as a URL; repeat for more':
    '用于以 URL 给出的服务器的 "名称: 值" 或 JSON 对象；可重复',
  'accepted: the file is followed anyway': '接受：文件总会被跟随',
  'DEBUG, INFO, WARNING, ERROR or CRITICAL': 'DEBUG、INFO、WARNING、ERROR 或 CRITICAL',
  'headers of callers that go on to the servers, as in the file': '转发给服务器的调用方请求头，写法同文件',

  // mcpx
  'serve one client over stdio, or over HTTP where an option says so, with the arguments of MCPX':
    '以 MCPX 的参数通过 stdio 为一个客户端提供服务，有相应选项时通过 HTTP',
  'its configuration (~/.config/mcpx-toolkit/mcpx.json, ./config.json, ~/.mcpx/config.json)':
    '它的配置（~/.config/mcpx-toolkit/mcpx.json、./config.json、~/.mcpx/config.json）',
  'port to listen on; the next free one where it is taken (8000)': '监听端口；被占用时为下一个空闲端口（8000）',
  'accepted: the dashboard is always there': '接受：仪表盘总是可用',
  'open the dashboard in the browser': '在浏览器中打开仪表盘',
  'the same: there is no window of its own': '同上：没有独立窗口',

  // xiaozhi
  'run and change the gateway with the commands of xiaozhi-client': '用 xiaozhi-client 的命令运行和修改网关',
  'print the version, and what runs it': '显示版本和运行环境',
  'the same': '同上',
  'start the gateway': '启动网关',
  'in the background': '在后台',
  'a log that says more': '更详细的日志',
  'serve one client over stdin and stdout': '通过 stdin 和 stdout 为一个客户端提供服务',
  'stop the gateway': '停止网关',
  'show the servers and endpoints of the gateway': '显示网关的服务器和接入点',
  'restart the gateway in the background': '在后台重启网关',
  'accepted: it runs in the background anyway': '接受：总是在后台运行',
  'follow the gateway in the background; Ctrl-C leaves it running': '跟随后台网关；Ctrl-C 退出而网关继续运行',
  'make, read and change the configuration': '创建、读取和修改配置',
  'make a configuration': '创建配置',
  'print a value': '显示一个值',
  'change a value': '修改一个值',
  'mcpEndpoint, heartbeatInterval, heartbeatTimeout or reconnectInterval':
    'mcpEndpoint、heartbeatInterval、heartbeatTimeout 或 reconnectInterval',
  'an address, or milliseconds': '地址，或毫秒数',
  'servers and their tools': '服务器及其工具',
  'list the servers': '列出服务器',
  'list their tools': '列出它们的工具',
  'list the tools of a server': '列出一个服务器的工具',
  'its name': '名称',
  'switch a tool on or off': '启用或停用工具',
  'its server': '所属服务器',
  'enable or disable': 'enable 或 disable',
  'call a tool': '调用工具',
  'arguments as a JSON object': 'JSON 对象形式的参数',
  'addresses that the gateway dials': '网关所连接的地址',
  'list them, without their tokens': '列出，不含令牌',
  'add one': '添加一个',
  'take one away': '移除一个',
  'its address; - reads it from stdin': '地址；- 从标准输入读取',
  'its address, or its name': '地址或名称',
  'these and no others': '设为这些，别无其他',
  'their addresses': '各地址',
};
