// 命令行所说的话，续：首次配置、客户端、密钥、机密、日志、登录、备份、启动时的说明和旧命令。
export const ZH_MORE: Readonly<Record<string, string>> = {
  // 文件
  '{0} cannot be read ({1})': '无法读取 {0}（{1}）',
  '{0} cannot be written ({1})': '无法写入 {0}（{1}）',
  '{0} cannot be written ({1}); nothing was changed': '无法写入 {0}（{1}）；没有做任何修改',
  '{0} has problems; nothing was written': '{0} 有问题；没有写入任何内容',
  '{0} has problems': '{0} 有问题',
  'a problem in {0}': '{0} 有一个问题',
  '{0} problems in {1}': '{1} 有 {0} 个问题',
  'upstreams.{0}: {1}; it is not started': 'upstreams.{0}：{1}；不会启动',
  'upstreams.{0}: {1} has no value; it is not started': 'upstreams.{0}：{1} 没有值；不会启动',
  found: '找到的',
  'named by {0}': '由 {0} 指定',
  ', does not exist': '，不存在',
  '; state in {0}': '；状态在 {0}',
  '; changes in {0}': '；修改在 {0}',
  '{0} has a problem; nothing was started': '{0} 有一个问题；没有启动任何东西',
  '{0} has {1} problems; nothing was started': '{0} 有 {1} 个问题；没有启动任何东西',
  '{0} is valid ({1}, {2} upstreams)': '{0} 有效（{1}，{2} 个上游）',
  'the command line': '命令行',
  'nothing was written': '没有写入任何内容',
  'written: {0}': '已写入：{0}',
  'would write: {0}': '将写入：{0}',
  '({0} upstreams, from {1}, read as {2})': '（{0} 个上游，来自 {1}，按 {2} 格式读取）',
  'there is no such file or folder': '没有这个文件或目录',
  'a part of its path is no folder': '路径中有一部分不是目录',
  'it is a folder': '它是目录',
  'this user may not': '本用户没有权限',
  'the file system is read-only': '文件系统只读',
  'the disk is full': '磁盘已满',
  'unknown error': '未知错误',
  damaged: '已损坏',
  nothing: '无',

  // init
  'Where shall the configuration be?': '配置放在哪里？',
  'Which port shall it listen on?': '监听哪个端口？',
  'Take over the servers of {0}? Names, all or none': '导入 {0} 的服务器吗？请写名称、all 或 none',
  '{0} exists already and stays as it is; holdfast add changes it': '{0} 已存在，保持不变；可用 holdfast add 修改',
  'the configuration cannot be written ({0})': '无法写入配置（{0}）',
  'nothing was found of {0}; there is {1}': '没有找到 {0} 的配置；现有：{1}',
  'a port is a number from 0 to 65535, not {0}': '端口是 0 到 65535 的数字，而不是 {0}',
  'adds a server': '添加服务器',
  '{0} servers: {1}': '{0} 个服务器：{1}',
  'starts the gateway': '启动网关',
  'writes it into a client': '把它写入客户端',
  'says what is wrong': '说明有什么问题',

  // connect
  '{0} is connected already: {1}': '{0} 已接入：{1}',
  '{0} is not connected: {1}': '{0} 没有接入：{1}',
  'as it was: {0}': '原来的内容：{0}',
  'would connect {0}': '将接入 {0}',
  'connected {0}': '已接入 {0}',
  'start {0} anew to see it; holdfast connect {1} --undo takes it back':
    '请重新启动 {0} 以生效；holdfast connect {1} --undo 可撤回',
  'would disconnect {0}; {1}: {2}': '将断开 {0}；{1}：{2}',
  'disconnected {0}; {1}: {2}': '已断开 {0}；{1}：{2}',
  'the file is gone again': '文件已删除',
  'the file is as it was': '文件恢复原样',
  'the rest of the file stays': '文件其余内容保留',
  'holdfast connect does not know {0}; {1}': 'holdfast connect 不认识 {0}；{1}',
  '{0} has no file for a project; leave --project out': '{0} 没有项目级文件；请去掉 --project',
  '{0}; with --stdio {1} starts it by itself': '{0}；用 --stdio 则由 {1} 自行启动',
  '{0} is not a text file in UTF-8; it stays as it is': '{0} 不是 UTF-8 文本文件；保持不变',
  'the file of the client has problems and stays as it is': '客户端的文件有问题，保持不变',
  '[{0}] is written in a way that cannot be changed without changing other lines; change it by hand':
    '[{0}] 的写法使其无法单独修改；请手动修改',

  // 接入点
  'a URL': '一个 URL',
  'the name of an endpoint': '接入点的名称',
  'added, but it is ignored: see the log of the gateway': '已添加，但会被忽略：请看网关的日志',
  'disconnected {0}': '已断开 {0}',
  'no endpoints': '没有接入点',
  '{0} of {1}': '{0}，属于 {1}',
  'expires {0}': '{0} 到期',
  'score {0}': '评分 {0}',

  // export、import、completion
  'there is no format {0}; {1}': '没有格式 {0}；{1}',
  'no configuration is found; name one with --config': '找不到配置；请用 --config 指定',
  '{0} has no place for {1}': '{0} 无处存放 {1}',
  'secrets are shown as ***; --write puts them whole into a file': '机密显示为 ***；--write 会把它们完整写入文件',
  'programs are {0}': '程序有：{0}',
  '{0} has no configuration here; looked for {1}': '这里没有 {0} 的配置；查找过 {1}',
  'there is no completion for {0}; there is for {1}': '没有 {0} 的补全；现有：{1}',

  // key
  'holdfast key {0} needs the name of a key': 'holdfast key {0} 需要密钥的名称',
  'This key is not shown again.': '此密钥不会再次显示。',
  'This key is not shown again; the old one is good until {0}.': '此密钥不会再次显示；旧密钥在 {0} 之前有效。',
  'revoked {0}': '已吊销 {0}',
  '--role is read, call or admin, not {0}': '--role 是 read、call 或 admin，而不是 {0}',
  '--rate is a number of calls and a time, 60/1m say, not {0}': '--rate 是次数和时间，例如 60/1m，而不是 {0}',
  'no keys': '没有密钥',
  'upstreams {0}': '上游 {0}',
  'tools {0}': '工具 {0}',
  'not {0}': '除 {0}',
  'views {0}': '视图 {0}',
  '{0} calls in {1} s': '{1} 秒内 {0} 次调用',
  'expired {0}': '已于 {0} 过期',
  'old key good until {0}': '旧密钥有效至 {0}',
  'last used {0}': '最近使用 {0}',
  'never used': '从未使用',

  // secret
  'no secrets': '没有机密',
  '{0} secrets have a new key, kept in the {1}': '{0} 个机密已换用新密钥，保存在 {1} 中',
  'holdfast secret {0} needs the name of a secret': 'holdfast secret {0} 需要机密的名称',
  'there is no secret called {0}; there are {1}': '没有名为 {0} 的机密；现有：{1}',
  'an empty value is no secret': '空值不能作为机密',
  'set {0}; the configuration names it {1}': '已设置 {0}；在配置中写作 {1}',

  // logs、attach
  '--lines wants a whole number, not {0}': '--lines 需要整数，而不是 {0}',
  'attached to {0} (pid {1}); Ctrl-C leaves it running': '正在跟随 {0}（pid {1}）；Ctrl-C 退出而网关继续运行',
  'a gateway that is starting': '正在启动的网关',
  'the gateway with pid {0} has ended': 'pid {0} 的网关已结束',
  'there is no log in {0}: no gateway was started there with holdfast start':
    '{0} 中没有日志：没有用 holdfast start 启动过网关',
  'the gateway with pid {0} was not started with holdfast start: it writes to its terminal, or to the journal of its service manager':
    'pid {0} 的网关不是用 holdfast start 启动的：它写到自己的终端，或服务管理器的日志',
  '--follow is for the log of the gateway; of one server the last lines are kept':
    '--follow 用于网关的日志；单个服务器只保留最后若干行',

  // login、logout
  'the login failed: {0}': '登录失败：{0}',
  'logged in': '已登录',
  'logged in at {0} with what mcpo kept': '已用 mcpo 保存的内容登录 {0}',
  'logged out': '已登出',
  'there was no login': '原本没有登录',
  'nobody logged in within 10 minutes': '10 分钟内没有人登录',
  '{0} has no login: it needs a URL and no Authorization header':
    '{0} 没有登录：需要有 URL 且没有 Authorization 请求头',
  'oauth.storage of {0} is memory: start the gateway first': '{0} 的 oauth.storage 是 memory：请先启动网关',
  'Open this address to log in:': '请打开此地址登录：',
  'No browser could be opened here.': '这里无法打开浏览器。',
  '--from-mcpo puts the login into the data directory of this machine; it goes without --url':
    '--from-mcpo 把登录放入本机的数据目录；不能与 --url 同用',
  'others on this machine can read {0}; remove them once mcpo is gone':
    '本机其他人可以读取 {0}；不再使用 mcpo 后请删除',
  '{0} holds no access token; log in again without --from-mcpo': '{0} 中没有访问令牌；请不带 --from-mcpo 重新登录',
  'mcpo kept no login of a server called "{0}" in {1} (looked for {2}); log in without --from-mcpo':
    'mcpo 没有在 {1} 中保存名为“{0}”的服务器的登录（查找过 {2}）；请不带 --from-mcpo 登录',
  '{0} is damaged: it is no JSON object; log in again without --from-mcpo':
    '{0} 已损坏：不是 JSON 对象；请不带 --from-mcpo 重新登录',

  // backup、restore
  'there is no data directory {0}': '没有数据目录 {0}',
  '{0} files of {1} are in {2}; keep it as you keep secrets': '{1} 的 {0} 个文件已存入 {2}；请像保管机密一样保管它',
  'the gateway with pid {0} runs on {1}; stop it first': 'pid {0} 的网关正在使用 {1}；请先停止它',
  '{0} files would be written to {1}': '将有 {0} 个文件写入 {1}',
  '{0} files were written to {1}': '已有 {0} 个文件写入 {1}',
  '{0} cannot be read as a backup ({1})': '无法把 {0} 当作备份读取（{1}）',
  '{0} is no backup of holdfast': '{0} 不是 holdfast 的备份',
  '{0} was written by a newer holdfast, version {1}; restore it with that':
    '{0} 由更新的 holdfast（版本 {1}）写成；请用该版本恢复',
  '{0} holds {1}, which is no file of a data directory': '{0} 含有 {1}，它不是数据目录的文件',

  // support-bundle、tokens、status --cluster
  'without the gateway: {0}': '不含网关所述：{0}',
  'with what the gateway says': '含网关所述',
  '{0}: {1} files, {2}': '{0}：{1} 个文件，{2}',
  'Secrets are replaced by ***; look it through before you give it to others.':
    '机密已替换为 ***；交给他人之前请先查看一遍。',
  'its answer is no document': '它的答复不是文档',
  'passthrough: every definition, at every start of a conversation': 'passthrough：每次对话开始时的全部定义',
  'converged: inspect, exec and resources': 'converged：inspect、exec 和 resources',
  '(estimated tokens)': '（估算的词元数）',
  '{0} ({1} tools)': '{0}（{1} 个工具）',
  'shared store {0} since {1}': '共用存储自 {1} 起 {0}',
  ', {0} leases': '，{0} 个租约',
  'version {0}, configuration {1}, {2} calls in flight': '版本 {0}，配置 {1}，{2} 个进行中的调用',

  // serve、stdio
  'no upstreams are configured': '没有配置上游',
  '1 tool': '1 个工具',
  '1 resource': '1 个资源',
  '{0} resources': '{0} 个资源',
  '1 prompt': '1 个提示词',
  '{0} prompts': '{0} 个提示词',
  'one server': '单个服务器',
  health: '健康',
  state: '状态',
  dashboard: '仪表盘',
  'This is the demo. Serve your own: holdfast serve --config <your mcp.json or claude_desktop_config.json>':
    '这是演示。要提供您自己的服务器：holdfast serve --config <您的 mcp.json 或 claude_desktop_config.json>',
  'there is no view {0}; there are {1}': '没有视图 {0}；现有：{1}',
  'port {0} is taken, listening on {1} instead': '端口 {0} 已被占用，改为监听 {1}',
  'started as root, and so are the servers it starts; a user of its own is safer':
    '以 root 启动，它启动的服务器也是；使用专门的用户更安全',
  'no browser can be opened here; the dashboard is at {0}': '这里无法打开浏览器；仪表盘在 {0}',
  '{0}, answering what was accepted (again to stop at once)': '{0}，正在答复已接受的调用（再次发送则立即停止）',
  'an unexpected exception': '意外的异常',
  '--port must be a number from 0 to 65535, not {0}': '--port 必须是 0 到 65535 的数字，而不是 {0}',
  'the key {0} is empty': '密钥 {0} 为空',
  'a key on the command line can be seen by other users for a moment; better HOLDFAST_API_KEY or --api-key-file':
    '命令行上的密钥会短暂地被其他用户看到；最好用 HOLDFAST_API_KEY 或 --api-key-file',
  '--api-key-file {0} cannot be read ({1})': '无法读取 --api-key-file {0}（{1}）',
  '{0} cannot be written ({1}); name another one with --data-dir':
    '无法写入 {0}（{1}）；请用 --data-dir 指定另一个目录',
  'no gateway is running on {0}; start one with holdfast start': '{0} 上没有运行中的网关；请用 holdfast start 启动',
  'it did not listen within {0} s and was ended; its log is {1}': '它在 {0} 秒内没有开始监听，已被结束；日志在 {1}',
  'it could not be started: {0}': '无法启动：{0}',
  'it ended with exit code {0} before it listened': '它在开始监听之前以退出码 {0} 结束',
  'it was ended by {0} before it listened': '它在开始监听之前被 {0} 结束',
  '--type {0} wants one URL, and nothing behind it': '--type {0} 只需要一个 URL，其后不能有内容',
  'joined the gateway at {0} (pid {1})': '已加入 {0} 的网关（pid {1}）',
  'give a configuration file or a command after --, not both': '请给出配置文件，或 -- 之后的命令，不要两者都给',
  '--ssl-certfile and --ssl-keyfile are given together or not at all':
    '--ssl-certfile 和 --ssl-keyfile 要么都给，要么都不给',
  '--env-path {0} cannot be read ({1})': '无法读取 --env-path {0}（{1}）',
  '--env wants KEY=VALUE': '--env 需要 变量=值',
  '--type must be stdio, sse or streamable-http, not {0}': '--type 必须是 stdio、sse 或 streamable-http，而不是 {0}',
  '--type {0} wants the URL of the server, not {1}': '--type {0} 需要服务器的 URL，而不是 {1}',
  '--header wants "Name: value", or a JSON object': '--header 需要 "名称: 值" 或 JSON 对象',
  '--header holds neither "Name: value" nor a JSON object': '--header 既不是 "名称: 值" 也不是 JSON 对象',

  // mcpo、mcpx、xiaozhi
  'without a key only this machine is served (127.0.0.1); give --api-key to serve others as {0} does':
    '没有密钥时只为本机（127.0.0.1）服务；给出 --api-key 即可像 {0} 那样为他人服务',
  'Usage: holdfast mcpo [options] -- command args…   or   holdfast mcpo --config file':
    '用法：holdfast mcpo [options] -- 命令 参数…   或   holdfast mcpo --config 文件',
  'the configuration file counts; what stands behind -- is left out, as in mcpo':
    '以配置文件为准；-- 之后的内容略过，与 mcpo 相同',
  '--client-header-forwarding: headers are forwarded over HTTP only, not to a command':
    '--client-header-forwarding：请求头只通过 HTTP 转发，不转发给命令',
  '--client-header-forwarding wants JSON like {0}': '--client-header-forwarding 需要这样的 JSON：{0}',
  '--desktop: there is no window of its own; the dashboard opens in the browser':
    '--desktop：没有独立窗口；仪表盘在浏览器中打开',
  '--gui: the dashboard is always there, at /ui': '--gui：仪表盘总是可用，在 /ui',
  'no configuration of MCPX is found; name one: holdfast mcpx config.json. Looked for\n  {0}':
    '找不到 MCPX 的配置；请指定：holdfast mcpx config.json。查找过\n  {0}',
  '{0} is not set at once; use holdfast add, remove, or holdfast config set {1}.…':
    '{0} 不能一次设置；请用 holdfast add、remove，或 holdfast config set {1}.…',
  '{0} is a number of milliseconds, not {1}': '{0} 是毫秒数，而不是 {1}',
  'a tool is switched with enable or disable, not {0}': '工具用 enable 或 disable 切换，而不是 {0}',
  'there is no xiaozhi.config.json here, in XIAOZHI_CONFIG_DIR or in ~/.xiaozhi-client; holdfast xiaozhi config init makes a configuration, holdfast xiaozhi endpoint add adds an address to it':
    '这里、XIAOZHI_CONFIG_DIR 和 ~/.xiaozhi-client 中都没有 xiaozhi.config.json；holdfast xiaozhi config init 创建配置，holdfast xiaozhi endpoint add 向其中添加地址',
  'there is no key {0}; there are {1}. holdfast config get and set take every other value':
    '没有键 {0}；现有：{1}。其他值请用 holdfast config get 和 set',
};
