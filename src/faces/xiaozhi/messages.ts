// What the gateway itself says to the model behind an endpoint, in the endpoint's language.

export type Language = 'en' | 'zh';

export interface Messages {
  /** A call takes long; `fetch` is the tool that gets its result, `seconds` how long that is kept. */
  stillRunning(tool: string, task: string, fetch: string, seconds: number): string;
  unknownTask(task: string): string;
  cut(shown: number, all: number): string;
  leftOut(kind: string): string;
  fetchDescription: string;
  fetchParameter: string;
  standby: string;
}

const en: Messages = {
  stillRunning: (tool, task, fetch, seconds) =>
    `${tool} is still working. Its task number is ${task}. Tell the user that it takes a moment, and call ${fetch} with this number later; the result is kept for ${seconds} s after it is there.`,
  unknownTask: (task) =>
    `There is no task ${task}: it is unknown, or its result was kept long enough. Call the tool again.`,
  cut: (shown, all) => `… (cut: ${shown} of ${all} bytes are shown; ask for less)`,
  leftOut: (kind) => `(${kind}: too large for this device, left out)`,
  fetchDescription: 'Gets the result of an earlier call that took long and gave a task number.',
  fetchParameter: 'The task number.',
  standby: 'This endpoint is a standby; another one serves the tools.',
};

const zh: Messages = {
  stillRunning: (tool, task, fetch, seconds) =>
    `${tool} 还在执行中，任务编号：${task}。请告诉用户稍等片刻，稍后用这个编号调用 ${fetch} 获取结果；结果产生后保留 ${seconds} 秒。`,
  unknownTask: (task) => `没有编号为 ${task} 的任务：编号不存在，或结果已过期。请重新调用该工具。`,
  cut: (shown, all) => `……（已截断：共 ${all} 字节，仅显示 ${shown} 字节；请缩小查询范围）`,
  leftOut: (kind) => `（${kind}：内容过大，设备无法接收，已省略）`,
  fetchDescription: '获取之前耗时较长、返回了任务编号的调用的结果。',
  fetchParameter: '任务编号。',
  standby: '该接入点为备用，工具由另一个接入点提供。',
};

export function messagesOf(language: Language): Messages {
  return language === 'zh' ? zh : en;
}

/** The language of an endpoint: its own, else the gateway's, else that of the platform. */
export function languageOf(endpoint: 'auto' | Language, gateway: 'auto' | Language): Language {
  if (endpoint !== 'auto') return endpoint;
  return gateway === 'auto' ? 'zh' : gateway;
}
